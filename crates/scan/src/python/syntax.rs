//! What a Python source says: statements as trees, expressions in one arena, so that neither walking nor dropping
//! them recurses along a chain such as `a.b.c.d`.

/// An expression, as an index into [`Module::expressions`].
pub(super) type Id = usize;

/// One source file.
#[derive(Debug, Default)]
pub(super) struct Module {
    pub(super) body: Vec<Statement>,
    pub(super) expressions: Vec<Expression>,
    /// Lines that could not be read, with why.
    pub(super) errors: Vec<(u32, &'static str)>,
}

#[derive(Debug)]
pub(super) struct Expression {
    pub(super) kind: Kind,
    pub(super) line: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sequence {
    List,
    Tuple,
    Set,
    Dict,
    Generator,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passing {
    Plain,
    Star,
    StarStar,
}

#[derive(Debug, Clone)]
pub(super) struct Argument {
    pub(super) name: Option<String>,
    pub(super) passing: Passing,
    pub(super) value: Id,
}

#[derive(Debug, Clone)]
pub(super) struct Clause {
    pub(super) target: Id,
    pub(super) source: Id,
    pub(super) conditions: Vec<Id>,
}

#[derive(Debug, Clone)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) default: Option<Id>,
    pub(super) passing: Passing,
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    Name(String),
    Text(String),
    Bytes(Vec<u8>),
    Integer(i64),
    Bool(bool),
    None,
    /// A number that is no small integer, an ellipsis.
    Number,
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
    /// `await`, `yield`, `yield from`.
    Await(Option<Id>),
    Star(Id),
    Walrus(String, Id),
    Unknown,
}

#[derive(Debug)]
pub(super) struct Statement {
    pub(super) kind: Act,
    pub(super) line: u32,
}

#[derive(Debug)]
pub(super) struct Function {
    pub(super) name: String,
    pub(super) decorators: Vec<Id>,
    pub(super) parameters: Vec<Parameter>,
    /// Annotations, which run where the function is defined.
    pub(super) annotations: Vec<Id>,
    pub(super) body: Vec<Statement>,
    pub(super) line: u32,
}

#[derive(Debug)]
pub(super) struct Class {
    pub(super) name: String,
    pub(super) decorators: Vec<Id>,
    pub(super) arguments: Vec<Argument>,
    pub(super) body: Vec<Statement>,
    pub(super) line: u32,
}

#[derive(Debug)]
pub(super) enum Act {
    /// Expressions that are evaluated: a statement of its own, `assert`, `raise`, `print` of Python 2.
    Evaluate(Vec<Id>),
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
