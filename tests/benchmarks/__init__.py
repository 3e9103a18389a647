"""The benchmarks: each prints its table and what it was made with; pytest collects none of them."""
