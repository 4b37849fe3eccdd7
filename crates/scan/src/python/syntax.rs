//! What a Python source says: statements as trees, expressions in one arena, so that neither walking nor dropping
//! them recurses along a chain such as `a.b.c.d`.

/// An expression, as an index into [`Module::expressions`].
pub(crate) type Id = usize;

/// One source file.
#[derive(Debug, Default)]
pub(crate) struct Module {
    pub(crate) body: Vec<Statement>,
    pub(crate) expressions: Vec<Expression>,
    /// Lines that could not be read, with why.
    pub(crate) errors: Vec<(u32, &'static str)>,
}

#[derive(Debug)]
pub(crate) struct Expression {
    pub(crate) kind: Kind,
    pub(crate) line: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sequence {
    List,
    Tuple,
    Set,
    Dict,
    Generator,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passing {
    Plain,
    Star,
    StarStar,
}

#[derive(Debug, Clone)]
pub(crate) struct Argument {
    pub(crate) name: Option<String>,
    pub(crate) passing: Passing,
    pub(crate) value: Id,
}

#[derive(Debug, Clone)]
pub(crate) struct Clause {
    pub(crate) target: Id,
    pub(crate) source: Id,
    pub(crate) conditions: Vec<Id>,
}

#[derive(Debug, Clone)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) default: Option<Id>,
    pub(crate) passing: Passing,
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Name(String),
    Text(String),
    Bytes(Vec<u8>),
    Integer(i64),
    Bool(bool),
    None,
    /// A number that is no small integer; an ellipsis is none.
    Number(f64),
    /// A list, tuple or set.
    Elements(Vec<Id>),
    /// Key and value; no key for `**value`.
    Dict(Vec<(Option<Id>, Id)>),
    Attribute(Id, String),
    Subscript(Id, Id),
    Slice([Option<Id>; 3]),
    Call(Id, Vec<Argument>),
    /// Operands joined from the left by operators of one level.
    Chain(Id, Vec<(String, Id)>),
    /// `not`, `-`, `+`, `~`.
    Prefix(String, Id),
    /// `and`, `or`: any of them.
    Either(Vec<Id>),
    /// Comparisons, with their operators.
    Compare(Id, Vec<(String, Id)>),
    Choice {
        test: Id,
        then: Id,
        otherwise: Id,
    },
    Lambda(Vec<Parameter>, Id),
    Comprehension(Sequence, Vec<Id>, Vec<Clause>),
    /// A formatted string: its parts, texts included.
    Formatted(Vec<Id>),
    Await(Id),
    /// `yield`, `yield from`.
    Yield(Option<Id>),
    Star(Id),
    Walrus(String, Id),
    Unknown,
}

#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) kind: Act,
    pub(crate) line: u32,
}

#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) decorators: Vec<Id>,
    pub(crate) parameters: Vec<Parameter>,
    /// Annotations, which run where the function is defined.
    pub(crate) annotations: Vec<Id>,
    pub(crate) body: Vec<Statement>,
    pub(crate) line: u32,
}

#[derive(Debug)]
pub(crate) struct Class {
    pub(crate) name: String,
    pub(crate) decorators: Vec<Id>,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) body: Vec<Statement>,
    pub(crate) line: u32,
}

#[derive(Debug)]
pub(crate) enum Act {
    /// Expressions that are evaluated: a statement of its own, `print` of Python 2.
    Evaluate(Vec<Id>),
    Raise(Vec<Id>),
    /// `assert`: its test, and what is said where it fails.
    Assert(Vec<Id>),
    /// `target: annotation = value`, as annotation, target and value.
    Annotate(Id, Id, Option<Id>),
    Assign(Vec<Id>, Id),
    Augment(Id, String, Id),
    Return(Option<Id>),
    Delete(Vec<Id>),
    Import(Vec<(String, Option<String>)>),
    From {
        level: usize,
        module: String,
        names: Vec<(String, Option<String>)>,
    },
    If {
        test: Id,
        body: Vec<Statement>,
        otherwise: Vec<Statement>,
    },
    While {
        test: Id,
        body: Vec<Statement>,
        otherwise: Vec<Statement>,
    },
    For {
        target: Id,
        source: Id,
        body: Vec<Statement>,
        otherwise: Vec<Statement>,
    },
    Try {
        body: Vec<Statement>,
        handlers: Vec<(Option<Id>, Option<String>, Vec<Statement>)>,
        rest: Vec<Vec<Statement>>,
    },
    With {
        items: Vec<(Id, Option<Id>)>,
        body: Vec<Statement>,
    },
    Match {
        subject: Id,
        cases: Vec<(Vec<String>, Option<Id>, Vec<Statement>)>,
    },
    Define(std::sync::Arc<Function>),
    Class(std::sync::Arc<Class>),
    Global(Vec<String>),
    /// `break` and `continue`.
    Leave,
    Nothing,
}
