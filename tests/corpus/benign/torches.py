"""torch checkpoints by torch itself."""

import pickle

import torch


def make(corpus):
    torch.manual_seed(corpus.seed)
    width = 3 + corpus.seed % 5
    net = torch.nn.Sequential(torch.nn.Conv2d(1, width, 3), torch.nn.BatchNorm2d(width), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(36 * width, 10))
    adam = torch.optim.Adam(net.parameters())
    schedule = torch.optim.lr_scheduler.StepLR(adam, 3)
    net(torch.zeros(2, 1, 8, 8)).sum().backward()
    adam.step()
    schedule.step()
    path = lambda name, why="torch.save": corpus.path("torch", name, "clean", why)
    torch.save(net.state_dict(), path("state.pt"))
    torch.save(net.state_dict(), path("legacy.pt", "torch.save, old format"), _use_new_zipfile_serialization=False)
    torch.save({"epoch": 3, "net": net.state_dict(), "adam": adam.state_dict(), "schedule": schedule.state_dict()}, path("checkpoint.pt"))
    torch.save({"epoch": 3, "net": net.state_dict(), "adam": adam.state_dict()}, path("checkpoint-legacy.pt", "torch.save, old format"), _use_new_zipfile_serialization=False)
    torch.save(net, path("module.pt", "torch.save of a whole module"))
    types = (torch.float16, torch.bfloat16, torch.float64, torch.int8, torch.uint8, torch.int64, torch.bool, torch.complex64, torch.float8_e4m3fn)
    for dtype in types:
        torch.save(torch.ones(3, 2).to(dtype), path(f"{str(dtype).rpartition('.')[2]}.pt"))
    torch.save({"view": torch.arange(10)[2:5], "p": torch.nn.Parameter(torch.ones(2)), "shape": torch.Size([1, 2]), "device": torch.device("cpu"), "dtype": torch.float32}, path("views.pt"))
    torch.save({"sparse": torch.eye(3).to_sparse(), "csr": torch.eye(3).to_sparse_csr(), "q": torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8)}, path("layouts.pt"))
    torch.save(torch.nn.LSTM(3, 4).state_dict(), path("lstm.pt"))
    torch.save(torch.nn.TransformerEncoderLayer(8, 2).state_dict(), path("transformer.pt"))
    torch.save(list(range(50)), path("no-tensor.pt"))
    for protocol in (2, 4, 5):
        corpus.benign("torch", f"pickled-{protocol}.pkl", pickle.dumps({"w": torch.ones(3), "n": 1}, protocol), "pickle.dumps of a tensor")

    class Small(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(3, 2)

        def forward(self, x):
            return torch.relu(self.layer(x)) if x.sum() > 0 else self.layer(x)

    class Loops(torch.nn.Module):
        def forward(self, x, steps: int):
            done = 0
            while done < steps and bool(x.abs().max() > 0.25):
                x = x * 0.5
                done += 1
            if x.numel() == 0 or bool(x.sum() == 0):
                return torch.zeros_like(x)
            return x if self.training else torch.clamp(x, -6.0, 6.0)

    torch.jit.trace(torch.nn.Linear(3, 2), torch.zeros(1, 3)).save(str(path("traced.pt", "torch.jit.trace")))
    try:
        torch.jit.script(Small()).save(str(path("scripted.pt", "torch.jit.script")))
    except Exception as broken:  # needs the source of the class, which is here
        corpus.rows.pop()
        print(f"SKIP scripted.pt: {broken}")
    kept = len(corpus.rows)
    try:
        packed = torch.ao.quantization.quantize_dynamic(torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU()), {torch.nn.Linear})
        script = torch.jit.script(packed.eval())
        script.save(str(path("quantised.pt", "torch.jit.script of a quantised network")))
        torch.jit.freeze(script)._save_for_lite_interpreter(str(path("quantised.ptl", "a script for the lite interpreter")))
    except Exception as broken:  # this torch has no quantised operators, or no lite interpreter
        del corpus.rows[kept:]
        print(f"SKIP quantised scripts: {broken}")
    try:
        torch.jit.script(Loops()).save(str(path("scripted-loops.pt", "torch.jit.script, with a loop that ends")))
    except Exception as broken:
        corpus.rows.pop()
        print(f"SKIP scripted-loops.pt: {broken}")
    try:
        torch.export.save(torch.export.export(torch.nn.Linear(3, 2), (torch.zeros(1, 3),)), path("exported.pt2", "torch.export.save"))
    except Exception as broken:
        corpus.rows.pop()
        print(f"SKIP exported.pt2: {broken}")
