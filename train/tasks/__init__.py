"""What a run trains on: data made into batches, with metrics and a report."""
