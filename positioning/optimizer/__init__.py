"""The two-stage stochastic program and how it is solved: column generation, pricing, recourse, branch and bound."""
