"""What a learner uses: shapes of both frameworks side by side, attention drawn, flash cards."""
