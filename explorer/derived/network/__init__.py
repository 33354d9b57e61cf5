"""A recorded network in NumPy alone: forwards, backwards, at the weights of any step.

`Network` evaluates and differentiates the layers of a run; `contributions` says what each unit adds
to a class, `joint` what passes from unit to unit, `receptive_field` what a unit sees.
"""
