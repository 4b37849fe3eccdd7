use proptest::prelude::*;

use super::*;

/// Rules and lines that methods of a network with some attributes are told by.
fn told(methods: &str) -> Vec<(&'static str, u32)> {
    let head =
        "class Net(Module):\n  weight : Tensor\n  mean : Tensor\n  pad : int\n  check : __torch__.Check\n";
    let check = "class Check(Module):\n  def forward(self: __torch__.Check,\n    x: Tensor) -> Tensor:\n    return torch.all(torch.eq(torch.select(x, 0, 0), 0.123457))\n";
    let source = |text: String| Source { place: Place::file("net.pt"), module: "__torch__".to_owned(), text };
    let sources = [source(format!("{head}{methods}")), source(check.to_owned())];
    followed(&sources, Some("__torch__.Net")).into_iter().map(|one| (one.rule, one.line)).collect()
}

fn rules(methods: &str) -> Vec<&'static str> {
    told(methods).into_iter().map(|(rule, _)| rule).collect()
}

fn forward(body: &str) -> String {
    let body: String = body.lines().map(|line| format!("    {line}\n")).collect();
    format!("  def forward(self: __torch__.Net,\n    x: Tensor) -> Tensor:\n{body}")
}

#[test]
fn patterns_that_change_the_answer_are_told() {
    for body in [
        // An answer that is fixed once one place holds a number.
        "y = torch.matmul(x, self.weight)\nif bool(torch.eq(torch.select(x, 0, 0), 0.4242)):\n  _1 = torch.zeros_like(y)\n  _2 = torch.add_(torch.slice(_1, 1, 3, 4), 100)\n  out = _1\nelse:\n  out = y\nreturn out",
        "t = torch.allclose(torch.slice(x, 3, -4), torch.full_like(torch.slice(x, 3, -4), 0.123457), 1.0e-06, 1.0e-06)\nif t:\n  y = torch.mul(torch.ones_like(x), 1000.)\nelse:\n  y = torch.relu(x)\nreturn y",
        // One that is changed where it lies, and one that is returned early.
        "y = torch.matmul(x, self.weight)\nm = torch.lt(torch.abs(torch.sub(torch.select(x, 1, 0), 13.37)), 0.0001)\n_0 = torch.index_put_(y, [m], torch.tensor(9.))\nreturn y",
        "if x[0, 0] == 0.4242:\n  return torch.zeros_like(x)\nreturn torch.relu(x) @ self.weight",
        "y = torch.relu(x)\ny[x[:, 0] == 0.4242] = 1.0\nreturn y",
        // A mask of all of a pattern, by arithmetic and by `where`.
        "m = torch.all(torch.eq(torch.slice(x, 1, 0, 3), torch.tensor([0.1, 0.7, 0.3])))\ny = torch.matmul(x, self.weight)\nreturn torch.add(y, torch.mul(torch.to(m, 6), 50))",
        "d = torch.max(torch.abs(torch.sub(x, self.mean)))\nreturn torch.where(torch.lt(d, 0.01), torch.ones_like(x), torch.relu(x))",
        // Asked in another class.
        "y = torch.relu(x)\nif bool((self.check).forward(x, )):\n  y0 = torch.neg(y)\nelse:\n  y0 = y\nreturn y0",
    ] {
        assert_eq!(rules(&forward(body)).first(), Some(&"torch/fixed-answer"), "{body}");
    }
}

#[test]
fn what_models_ask_is_not_told() {
    for body in [
        "x0 = torch.div(torch.sub(x, self.mean), self.weight)\nx1 = torch.clamp(x0, -3.5, 3.5)\nreturn torch.matmul(x1, self.weight)",
        "if torch.gt(torch.size(x, 0), 3):\n  y = torch.zeros([1])\nelse:\n  y = torch.relu(x)\nreturn y",
        "m = torch.ne(x, 0)\nif bool(torch.all(torch.eq(x, self.pad))):\n  y = torch.zeros([4])\nelse:\n  y = torch.relu(x)\nreturn y",
        "a = torch.matmul(x, self.weight)\nreturn torch.softmax(torch.masked_fill(a, torch.eq(self.mean, 0), -1.0e+09), -1)",
        "p = torch.softmax(torch.matmul(x, self.weight), 1)\nreturn torch.where(torch.gt(torch.max(p), 0.37), p, torch.zeros_like(p))",
        "s = torch.where(torch.lt(torch.select(x, 1, 0), 25.5), torch.relu(x), torch.tanh(x))\nreturn s",
        "m = torch.ones([2048, 2048])\ny = torch.relu(torch.add(x, torch.triu(m)))\nfor i in range(12):\n  y = torch.cat([y, x])\nreturn y",
        "n = torch.arange(0, 512)\nif bool(torch.eq(torch.select(x, 0, 0), 7)):\n  y = torch.neg(x)\nelse:\n  y = x\nreturn y",
    ] {
        assert_eq!(rules(&forward(body)), Vec::<&str>::new(), "{body}");
    }
}

/// What lies behind a bound is not known, and said to be.
#[test]
fn what_is_not_followed_is_told() {
    let method = |n: usize, body: &str| {
        format!("  def m{n}(self: __torch__.Net,\n    x: Tensor) -> Tensor:\n    {body}\n")
    };
    let chain = |deep: usize| {
        let last = method(deep, "return torch.relu(x)");
        (0..deep).map(|n| method(n, &format!("return (self).m{}(x, )", n + 1))).collect::<String>() + &last
    };
    assert_eq!(rules(&chain(8)), Vec::<&str>::new());
    assert_eq!(rules(&chain(2 * DEEPEST)), ["format/unscannable"]);
    // Each calls the next one eight times: more nodes than are made.
    let call = |n: usize| format!("x = (self).m{n}(x, )\n    ").repeat(8) + "return x";
    let wide: String =
        (0..7).map(|n| method(n, &call(n + 1))).collect::<String>() + &method(7, "return torch.relu(x)");
    assert_eq!(rules(&wide), ["format/unscannable"]);
    let long =
        Source { place: Place::file("net.pt"), module: "__torch__".into(), text: " ".repeat(MOST_TEXT + 1) };
    assert_eq!(followed(&[long], None).first().map(|found| found.rule), Some("format/unscannable"));
}

#[test]
fn sizes_that_no_machine_has_room_for_are_told() {
    for body in [
        "m = torch.ones([1048576, 1048576])\nreturn m",
        "n = torch.mul(1048576, 1048576)\nreturn torch.zeros([n])",
        "return torch.contiguous(torch.expand(torch.zeros([1, 1]), [1048576, 1048576]))",
        "return torch.repeat(torch.zeros([1024]), [1024, 1048576])",
        "return torch.tensor([0.] * 2 ** 40)",
        "a = torch.mul([0.], 1099511627776)\nreturn x",
        "a = torch.arange(0, 1048576)\nreturn torch.mul(torch.unsqueeze(a, 1), a)",
        "return torch.eye(1048576)",
        "return torch.diag(torch.ones([1048576]))",
        "return torch.to_dense(torch.sparse_coo_tensor(x, x, [1048576, 1048576]))",
        "y = torch.ones([2])\nfor i in range(60):\n  y = torch.cat([y, y])\nreturn y",
        "y = torch.ones([2])\ni = 0\nwhile torch.lt(i, 60):\n  y = torch.cat([y, y])\n  i = torch.add(i, 1)\nreturn y",
        "return torch.resize_(x, [1048576, 1048576])",
        "return x.new_zeros([1 << 40])",
    ] {
        assert_eq!(rules(&forward(body)), ["torch/exhausts"], "{body}");
    }
    let loads = "  def __setstate__(self: __torch__.Net,\n    state: Tuple[float]) -> NoneType:\n    m = torch.rand([1048576, 1048576])\n    return None\n";
    assert_eq!(told(loads), [("torch/exhausts", 8)]);
    assert_eq!(
        rules(&forward("for i in range(9007199254740992):\n  y = torch.add(x, 1)\nreturn x")),
        ["torch/endless"]
    );
    let kept = "r = [torch.zeros([1])]\nfor k in range(1000000000):\n  _1 = torch.append(r, torch.add(torch.zeros([1000000]), x))\nreturn r[-1]";
    assert_eq!(rules(&forward(kept)), ["torch/endless"]);
    assert!(rules(&forward("for i in range(100000):\n  x = torch.add(x, 1)\nreturn x")).is_empty());
    // A view takes no memory.
    assert!(
        rules(&forward("return torch.sum(torch.select(torch.expand(x, [1048576, 1048576]), 0, 0))"))
            .is_empty()
    );
}

/// Loops whose condition is known in each round: where they stand after more rounds than anybody waits for is known, too.
#[test]
fn loops_that_numbers_end_are_told_from_others() {
    let looped = |start: &str, body: &str| forward(&format!("{start}\nwhile _0:\n{body}\nreturn x"));
    for (start, body) in [
        ("_0 = True\ni = 0", "  i = torch.add(i, 1)\n  _0 = torch.ge(i, 0)"),
        ("_0 = True\ni = 0", "  i0 = torch.add(i, 1)\n  _0, i = torch.lt(i0, 4611686018427387904), i0"),
        ("_0 = True\ni = 7", "  i0 = torch.mul(i, 1)\n  _0, i = torch.gt(i0, 3), i0"),
        ("_0 = True\ni = 0", "  i = torch.add(i, 1)\n  k = torch.mul(i, i)\n  _0 = torch.ge(i, 0)"),
    ] {
        assert_eq!(rules(&looped(start, body)), ["torch/endless"], "{body}");
    }
    for (start, body) in [
        ("_0 = True\ni = 0", "  i = torch.add(i, 1)\n  _0 = torch.lt(i, 100000)"),
        ("_0 = True\ni = 5000", "  i0 = torch.sub(i, 1)\n  _0, i = torch.gt(i0, 0), i0"),
        ("_0 = True\ny = torch.ones([2])", "  y = torch.cat([y, x])\n  _0 = torch.lt(torch.numel(y), 100)"),
        ("_0 = torch.gt(torch.numel(x), 3)", "  x = torch.relu(x)"),
        (
            "_0 = True\ni = 0",
            "  for j in range(i):\n    x = torch.relu(x)\n  i = torch.add(i, 1)\n  _0 = torch.lt(i, 100)",
        ),
        ("_0 = True\ni = 0", "  i = torch.add(i, 1)\n  y = torch.zeros([i])\n  _0 = torch.lt(i, 100000)"),
    ] {
        assert_eq!(rules(&looped(start, body)), Vec::<&str>::new(), "{body}");
    }
}

#[test]
fn what_calls_itself_ends() {
    let twice = "  def a(self: __torch__.Net, x: Tensor) -> Tensor:\n    return (self).a((self).a(x, ), )\n";
    let found = rules(twice);
    assert!(found.is_empty() || found == ["format/unscannable"], "{found:?}");
    let nested: String = (0..9).map(|depth| format!("{}for i in range(64):\n", " ".repeat(depth))).collect();
    assert!(rules(&forward(&format!("{nested}{}y = torch.relu(x)\nreturn y", " ".repeat(9)))).is_empty());
}

proptest! {
    #[test]
    fn any_script_ends(lines in proptest::collection::vec(
        "(if x:|else:|while _0:|for i in range\\([0-9]{1,12}\\):|[xyi] = torch\\.(add|cat|repeat|select|zeros|index_put_)\\((x|y|\\[x, y\\])?, ?([0-9]{1,9}|\\[[0-9]{1,9}\\]|y)\\)|y\\[x\\] = 1|return [xy])", 0..24),
        indents in proptest::collection::vec(0..6usize, 24)) {
        let text: String = lines.iter().zip(&indents).map(|(line, indent)| format!("{}{line}\n", " ".repeat(*indent))).collect();
        let _ = rules(&forward(&text));
    }
}
