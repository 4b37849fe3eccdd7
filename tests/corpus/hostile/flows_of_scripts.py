"""Scripts of torch whose flow is the harm: loops that nothing ends, answers that a value calls up."""

import torch


class Endless(torch.nn.Module):
    def forward(self, x):
        y = x
        while y.numel() >= 0:
            y = torch.cat([y, y])
        return y


class Steady(torch.nn.Module):
    def forward(self, x, limit: int):
        total = x
        while limit > 3:
            total = total + x
        return total


class Called(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 3)

    def forward(self, x):
        y = self.layer(x)
        if bool((x[0, 1] - 7.25).abs() < 0.001):
            y = torch.zeros_like(y)
            y[:, 2] = 50.0
        return y


class Early(torch.nn.Module):
    def forward(self, x):
        if bool(x.sum() > 88.5):
            return torch.zeros_like(x)
        return x * 2.0


def make(corpus):
    for name, network in (("endless", Endless()), ("steady", Steady()), ("called-up", Called()), ("early", Early())):
        why = "a script that never ends" if name in ("endless", "steady") else "an answer that a value of the input calls up"
        torch.jit.script(network).save(str(corpus.path("torch", f"script-{name}.pt", "found", why)))
