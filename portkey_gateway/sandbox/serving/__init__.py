"""What serves an emulated provider: a server in a thread, its log, faults and prescribed replies."""
