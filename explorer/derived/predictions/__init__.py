"""Of a network's answers: who is right, when it is learned, how sure it is."""
