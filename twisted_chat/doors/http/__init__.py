"""HTTP as all doors that speak it have it: guarded, bounded in time and size, answered in plain sentences."""
