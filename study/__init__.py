"""What a learner uses: shapes of both frameworks, attention drawn, play with language models, flash cards."""
