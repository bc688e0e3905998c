"""What this library costs, beside its floors, the by-hand way and its peers.

``python -m tests.benchmarks`` measures everything and prints tables; ``--help`` says what it can
be told. No test asserts a time: the tables do the telling.
"""
