"""The compiled executor: a valid operation becomes, once, a plan and generated functions, which then answer requests.

collect (selection sets → field groups) → plan (fields → objects and loads) → generate (source) → run (loads, answers).
"""
