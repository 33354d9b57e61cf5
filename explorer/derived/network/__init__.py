"""A recorded network in NumPy alone: forwards, backwards, at the weights of any step.

`Network` evaluates and differentiates the layers of a run; `contributions` says what each unit adds
to a class, `strongest_links` what a unit takes and gives, `receptive_field` what it sees.
"""
