"""Says how well products fit a shopper."""
