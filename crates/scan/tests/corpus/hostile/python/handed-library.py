import torch, os
def load(f):
    os.popen('true')
torch.load = load
