"""What is chosen by name beside a recipe's switches: flags list it, and may import no torch."""

DATASETS = ("auto", "mnist", "digits")
ENGINES = ("auto", "eager", "compiled", "cuda")
