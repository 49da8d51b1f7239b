"""Running a model of either framework into a trace: one runner a framework, ours and a porter's alike."""
