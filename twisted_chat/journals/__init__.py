"""The journals: one file or folder each, all with the same contract (ports.Journal)."""
