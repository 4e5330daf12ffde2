"""What reaches the model beside token ids: feedback vectors for a fusion head, state and notes as soft tokens."""
