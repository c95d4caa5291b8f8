"""Digits on any picture file."""
