"""Detection models: cards, the door they come through, conversion, judgement and the store they end in."""
