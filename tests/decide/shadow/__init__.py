"""Shadow policies: their replicas, what they see, their score."""
