"""Names to choose from beside a recipe's switches. Imports no torch: flags list them."""

DATASETS = ("auto", "mnist", "digits")
ENGINES = ("auto", "eager", "compiled", "cuda")
