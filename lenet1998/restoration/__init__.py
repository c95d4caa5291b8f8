"""The 1998 net recovered from the states that its paper prints (Figs. 13 and 25)."""
