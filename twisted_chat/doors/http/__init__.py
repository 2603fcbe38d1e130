"""HTTP for all doors that speak it: guarded, bounded in time and size, and answered in plain sentences."""
