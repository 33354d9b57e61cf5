"""Faulty and healthy trainings, by which the findings are judged."""
