//! What calls nothing that is not known and reaches more by what it holds, fills, shares or asks for.

use super::{outcome, rules, text};
use crate::Outcome;

fn name(module: &str, name: &str) -> Vec<u8> {
    [text(module), text(name), b"\x93".to_vec()].concat()
}

fn tuple(items: &[Vec<u8>]) -> Vec<u8> {
    [b"(".to_vec(), items.concat(), b"t".to_vec()].concat()
}

fn call(callee: Vec<u8>, arguments: &[Vec<u8>]) -> Vec<u8> {
    [callee, tuple(arguments), b"R".to_vec()].concat()
}

fn stream(body: Vec<u8>) -> Vec<u8> {
    [b"\x80\x04".to_vec(), body, b".".to_vec()].concat()
}

fn partial(of: Vec<u8>, state_of: Vec<u8>, arguments: &[Vec<u8>]) -> Vec<u8> {
    let state = tuple(&[state_of, tuple(arguments), b"}".to_vec(), b"N".to_vec()]);
    [call(name("functools", "partial"), &[of]), state, b"b".to_vec()].concat()
}

#[test]
fn a_partial_calls_what_its_state_says() {
    let (int, getattr) = (name("builtins", "int"), name("builtins", "getattr"));
    let ordinary = partial(int.clone(), int.clone(), &[b"K\x02".to_vec()]);
    assert_eq!(outcome(&stream(ordinary)), Outcome::Clean);
    let held = partial(name("numpy", "exp"), name("numpy", "exp"), &[]);
    assert_eq!(outcome(&stream(held)), Outcome::Clean);
    // What only its objects are inert of opens what it is told, if something calls it.
    let class = || name("torch.nn.modules.conv", "Conv2d");
    let layer = partial(class(), class(), &[b"K\x02".to_vec(), text("zeros")]);
    assert_eq!(outcome(&stream(layer)), Outcome::Clean);
    let file = partial(class(), class(), &[text("/etc/passwd")]);
    assert!(rules(&stream(file)).iter().any(|rule| rule.starts_with("pickle/")));
    let other = partial(int.clone(), getattr.clone(), &[name("collections", "OrderedDict"), text("mro")]);
    assert_eq!(outcome(&stream(other.clone())), Outcome::Suspicious);
    // The import of what it leads to is seen through the state.
    let system = partial(int, getattr, &[name("os", "path"), text("os")]);
    assert!(rules(&stream(call(system, &[]))).contains(&"pickle/state-injection".to_owned()));
    let factory = call(name("collections", "defaultdict"), &[other]);
    assert!(outcome(&stream(factory)) > Outcome::Unscannable);
}

#[test]
fn a_method_is_held_where_its_object_only_calculates() {
    let method = |module: &str, class: &str, attribute: &str| {
        let object = [name(module, class), b")\x81".to_vec()].concat();
        stream(call(name("builtins", "getattr"), &[object, text(attribute)]))
    };
    assert_eq!(outcome(&method("scipy.sparse._csr", "csr_matrix", "tocsr")), Outcome::Clean);
    for attribute in ["__init__", "__class__", "save_model", "tocsr.__globals__"] {
        assert!(
            outcome(&method("scipy.sparse._csr", "csr_matrix", attribute)) > Outcome::Unscannable,
            "{attribute}"
        );
    }
    assert!(outcome(&method("argparse", "Namespace", "x")) > Outcome::Unscannable);
}

#[test]
fn iterators_without_an_end_and_rooms_without_a_bound_are_told() {
    let huge = || b"\x8a\x08\0\x10\xa5\xd4\xe8\0\0\0".to_vec();
    let deque = || name("collections", "deque");
    let count = call(name("itertools", "count"), &[]);
    for body in [
        call(deque(), &[count.clone(), b"K\0".to_vec()]),
        call(deque(), &[call(name("builtins", "range"), &[huge()])]),
        call(name("numpy", "ndarray"), &[tuple(&[huge()]), text("O")]),
        call(name("numpy", "void"), &[huge()]),
        call(name("copyreg", "__newobj__"), &[name("builtins", "bytes"), huge()]),
        call(deque(), &[call(name("ipaddress", "IPv6Network"), &[text("::/0")])]),
        call(name("re", "_compile"), &[text("(a+)+$"), b"K\0".to_vec()]),
        [b"}".to_vec(), b")".to_vec(), b"\x85".repeat(9000), b"Ns".to_vec()].concat(),
    ] {
        assert_eq!(rules(&stream(body)), ["pickle/resources"]);
    }
    for body in [
        count,
        call(name("re", "_compile"), &[text("a+b"), b"K\0".to_vec()]),
        call(deque(), &[call(name("builtins", "range"), &[b"K\x09".to_vec()])]),
    ] {
        assert_eq!(outcome(&stream(body)), Outcome::Clean);
    }
}

#[test]
fn what_the_program_shares_is_given_no_state() {
    let state = |of: Vec<u8>| {
        let state = [b"}".to_vec(), text("_value_"), b"K\x09sb".to_vec()].concat();
        stream([of, state].concat())
    };
    for shared in [
        call(name("re", "RegexFlag"), &[b"K\x02".to_vec()]),
        call(name("logging", "getLogger"), &[text("x")]),
        call(name("pytz", "_UTC"), &[]),
    ] {
        assert_eq!(outcome(&stream(shared.clone())), Outcome::Clean);
        assert_eq!(rules(&state(shared)), ["pickle/state-injection"]);
    }
}

#[test]
fn a_container_that_fills_another_object_is_told() {
    let filled = |data: Vec<u8>| {
        let state = [b"}".to_vec(), text("data"), data, b"sb".to_vec()].concat();
        [call(name("collections", "UserDict"), &[]), state].concat()
    };
    assert_eq!(outcome(&stream(filled(b"}".to_vec()))), Outcome::Clean);
    let logger = call(name("logging", "getLogger"), &[text("x")]);
    assert_eq!(rules(&stream(filled(logger))), ["pickle/state-injection"]);
    // Picklers give items before the state.
    let later = [filled(b"}".to_vec()), text("a"), b"Ns".to_vec()].concat();
    assert_eq!(rules(&stream(later)), ["pickle/state-injection"]);
}

#[test]
fn pickles_that_are_kept_are_looked_into() {
    let kept = |inner: Vec<u8>| {
        let bytes = [b"C".to_vec(), vec![inner.len() as u8], inner].concat();
        stream([b"}".to_vec(), text("model"), bytes, b"s".to_vec()].concat())
    };
    assert_eq!(outcome(&kept(stream(call(name("os", "system"), &[text("id")])))), Outcome::Malicious);
    assert_eq!(outcome(&kept(stream(call(name("collections", "deque"), &[])))), Outcome::Clean);
}

#[test]
fn what_a_contract_alone_makes_inert_is_kept_nowhere() {
    let keeps = |held: Vec<u8>| {
        let object = [name("sklearn.linear_model._base", "LinearRegression"), b")\x81}".to_vec()].concat();
        stream([object, text("coef_"), held, b"sb".to_vec()].concat())
    };
    assert_eq!(outcome(&keeps(name("numpy", "exp"))), Outcome::Clean);
    let strong = [
        ("dill._dill", "_eval_repr"),
        ("dill._dill", "_import_module"),
        ("torch.storage", "_load_from_bytes"),
        ("builtins", "getattr"),
        ("numpy.core", "_ufunc_reconstruct"),
    ];
    for (module, callable) in strong {
        let callable = name(module, callable);
        for held in [
            callable.clone(),
            [b"]".to_vec(), callable.clone(), b"a".to_vec()].concat(),
            tuple(std::slice::from_ref(&callable)),
            [b"}".to_vec(), text("x"), callable.clone(), b"s".to_vec()].concat(),
        ] {
            assert!(rules(&keeps(held)).contains(&"pickle/contract".to_owned()), "{module}");
        }
    }
    // Called, it is compared; what it was called with is kept by nobody.
    let shown = call(name("dill._dill", "_eval_repr"), &[text("Ellipsis")]);
    assert_eq!(outcome(&keeps(shown)), Outcome::Clean);
}
