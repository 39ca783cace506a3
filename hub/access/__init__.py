"""Access: who somebody is, what they may do, and the proof afterwards."""
