"""The journals: one file or folder each, all with the same contract (interfaces.Journal)."""
