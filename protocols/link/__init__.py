"""The link: frames, acks, topics, and the two pure machines, `Sender` and `Receiver`."""
