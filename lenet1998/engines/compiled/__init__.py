"""The compiled engine: its engine, its whole pass, its layers, its vector code."""
