"""How fast we are beside others: workloads, contestants, one instrument for all, records."""
