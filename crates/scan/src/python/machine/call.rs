//! Calls: of functions of the source, of what other packages bring, and of what holds arguments already.

use std::collections::{BTreeSet, HashMap};

use unicode_normalization::UnicodeNormalization as _;

use super::super::effects::{Effect, effect};
use super::super::fold;
use super::super::syntax::{Parameter, Passing};
use super::super::value::{Arguments, Cell, Taint, Value};
use super::callee::{
    called_by_people, evaluated, generalised, is_one_key, is_safe_loader, manner, registers,
};
use super::outward::SENDING;
use super::taint::{is_asked_elsewhere, keeps_letters};
use super::{Body, Frame, Handed, MAX_CALLS, MAX_KNOWN, Machine, Manner, Reach, Scope, What};
use crate::address;
use crate::formats::shell;
use crate::python::sql;

/// Built-in functions that ask about what they are given and never call it.
const ASKS: [&str; 9] = [
    "builtins.isinstance",
    "builtins.issubclass",
    "builtins.hasattr",
    "builtins.callable",
    "builtins.type",
    "builtins.id",
    "builtins.hash",
    "builtins.print",
    "builtins.super",
];

/// Most ways in which the words of one command are put together that are told apart.
const MAX_WAYS: usize = 8;
/// Longest name of a result that is kept.
const MAX_NAME: usize = 240;

impl Machine<'_> {
    pub(super) fn call(
        &mut self,
        scope: Scope<'_>,
        callee: &Value,
        arguments: Arguments,
        line: u32,
    ) -> Value {
        if !self.step(scope, line) {
            return Value::UNKNOWN;
        }
        match callee {
            Value::OneOf(all) => {
                let mut result: Option<Value> = None;
                for value in all.iter() {
                    let value = self.call(scope, value, arguments.clone(), line);
                    result = Some(result.map_or(value.clone(), |r| r.or(value)));
                }
                result.unwrap_or(Value::UNKNOWN)
            }
            Value::Function(index) => self.call_function(*index, arguments, false),
            Value::Class(index) => self.instantiate(scope, *index, arguments, line),
            Value::Outside(name, taint) => {
                let (name, taint) = (name.to_string(), *taint);
                self.call_outside(scope, &name, taint, arguments, line)
            }
            Value::Cell(_) => match self.cell_of(callee).cloned() {
                Some(Cell::Partial { callee, plain, named }) => {
                    let mut given = Arguments { plain, named };
                    given.plain.extend(arguments.plain);
                    given.named.extend(arguments.named);
                    self.call(scope, &callee, given, line)
                }
                Some(Cell::Static(inner) | Cell::OfClass(inner) | Cell::Property(inner)) => {
                    self.call(scope, &inner, arguments, line)
                }
                Some(Cell::Object { .. }) => {
                    let named = !arguments.named.is_empty();
                    let result = self.special(scope, callee, "__call__", arguments.plain.clone(), line);
                    if named && result.is_none() {
                        self.hand_over(scope, &arguments, line, false);
                    }
                    result.unwrap_or(Value::UNKNOWN)
                }
                _ => Value::UNKNOWN,
            },
            Value::Unknown(taint) => {
                self.touches("", &arguments);
                self.asks_with_secrets(scope, &arguments, line);
                self.hand_over(scope, &arguments, line, false);
                let given = arguments.all().fold(Taint::NONE, |t, v| t.and(self.taint(v)));
                Value::Unknown(taint.and(given.without(Taint::BARE)))
            }
            _ => Value::UNKNOWN,
        }
    }

    /// Runs a function of the source. `sweeping` runs it with whatever somebody may pass.
    pub(super) fn call_function(&mut self, index: usize, arguments: Arguments, sweeping: bool) -> Value {
        let Some(callable) = self.functions.get(index).cloned() else { return Value::UNKNOWN };
        if self.active.len() >= MAX_CALLS || self.active.iter().filter(|i| **i == index).count() >= 3 {
            return Value::UNKNOWN;
        }
        let alike = self.alike(&arguments);
        if let Some(alike) = &alike
            && let Some((_, _, value)) =
                callable.known.iter().find(|(a, reach, _)| a == alike && *reach >= self.reach)
        {
            return value.clone();
        }
        let Some(tree) = self.modules.get(callable.module).map(|m| m.tree.clone()) else {
            return Value::UNKNOWN;
        };
        if sweeping && let Some(function) = self.functions.get_mut(index) {
            function.swept = Some(self.reach);
        }
        let globals = self.frames.get(callable.frame).map_or(callable.frame, |f| f.globals);
        let parameters: &[Parameter] = match &callable.body {
            Body::Def(function) => &function.parameters,
            Body::Lambda(lambda) => &lambda.0,
        };
        let names = self.parameters(parameters, arguments, &callable.defaults, sweeping, callable.owner);
        // What is defined in the body of a class sees the class' own names through no frame.
        let mut outer = callable.frame;
        while let Some(frame) = self.frames.get(outer).filter(|f| f.class) {
            match frame.outer {
                Some(next) => outer = next,
                None => break,
            }
        }
        if self.frames.len() >= super::MAX_CELLS {
            return Value::UNKNOWN;
        }
        self.frames.push(Frame {
            names,
            outer: Some(outer),
            globals,
            declared_global: BTreeSet::new(),
            stars: Vec::new(),
            class: false,
        });
        let scope = Scope { tree: &tree, module: callable.module, frame: self.frames.len() - 1 };
        self.active.push(index);
        let branches = std::mem::take(&mut self.branches);
        let depth = std::mem::replace(&mut self.depth, 0);
        let result = match &callable.body {
            Body::Def(function) => {
                self.returns.push(None);
                self.statements(scope, &function.body);
                let result = self.returns.pop().flatten().unwrap_or(Value::None);
                self.reduced(scope, &function.name, &result, function.line);
                result
            }
            Body::Lambda(lambda) => self.eval(scope, lambda.1),
        };
        self.depth = depth;
        self.branches = branches;
        self.active.pop();
        if let Some(alike) = alike
            && let Some(function) = self.functions.get_mut(index)
            && function.known.len() < MAX_KNOWN
        {
            function.known.push((alike, self.reach, result.clone()));
        }
        result
    }

    /// What an object says that loading its pickle calls (`__reduce__`).
    fn reduced(&mut self, scope: Scope<'_>, name: &str, result: &Value, line: u32) {
        if matches!(name, "__reduce__" | "__reduce_ex__")
            && let Some(Cell::Sequence(parts)) = self.cell_of(result).cloned()
        {
            self.hand_over(scope, &Arguments::of(parts), line, false);
        }
    }

    /// What of the arguments of a call tells it from others, while functions are swept. Objects of one class are
    /// alike then; with other things of the heap no two calls are.
    fn alike(&self, arguments: &Arguments) -> Option<Vec<Value>> {
        if !self.sweeping || !arguments.named.is_empty() {
            return None;
        }
        let told = |value: &Value| match (value, self.cell_of(value)) {
            (_, Some(Cell::Object { class: Some(class), fields })) if fields.is_empty() => {
                Some(Value::Class(*class))
            }
            (Value::Cell(_), _) => None,
            _ => Some(value.clone()),
        };
        arguments.plain.iter().map(told).collect()
    }

    fn parameters(
        &mut self,
        parameters: &[Parameter],
        arguments: Arguments,
        defaults: &[(String, Value)],
        sweeping: bool,
        owner: Option<usize>,
    ) -> HashMap<String, Value> {
        // Methods that others call with whatever they like; those of a server, with what anybody sends.
        let given_by = if self.serving { Taint::GIVEN.and(Taint::CALLER) } else { Taint::GIVEN };
        let mut names = HashMap::new();
        let mut plain = arguments.plain.into_iter();
        let mut named = arguments.named;
        for (place, parameter) in parameters.iter().enumerate() {
            let value = match parameter.passing {
                Passing::Star => {
                    let rest: Vec<Value> = plain.by_ref().collect();
                    if sweeping { Value::Unknown(given_by) } else { self.sequence(rest) }
                }
                Passing::StarStar => {
                    let rest = std::mem::take(&mut named);
                    let pairs = rest.into_iter().map(|(n, v)| (Value::text(n), v)).collect();
                    if sweeping { Value::Unknown(given_by) } else { self.cell(Cell::Dict(pairs)) }
                }
                Passing::Plain => {
                    let given = match named.iter().position(|(n, _)| *n == parameter.name) {
                        Some(at) => Some(named.remove(at).1),
                        None => plain.next(),
                    };
                    let default = defaults.iter().find(|(n, _)| *n == parameter.name).map(|(_, v)| v.clone());
                    match (given, default, sweeping) {
                        (Some(value), _, _) => value,
                        (None, _, true) if place == 0 && owner.is_some() => self.object_of(owner),
                        // Whoever calls may leave the default as it is.
                        (None, Some(default), true) => default.or(Value::Unknown(given_by)),
                        (None, Some(default), false) => default,
                        (None, None, true) => Value::Unknown(given_by),
                        (None, None, false) => Value::UNKNOWN,
                    }
                }
            };
            names.insert(parameter.name.clone(), value);
        }
        names
    }

    /// `self` of a method that is run by itself: an object of its class.
    fn object_of(&mut self, owner: Option<usize>) -> Value {
        let class = owner.filter(|index| *index < self.classes.len());
        self.cell(Cell::Object { class, fields: HashMap::new() })
    }

    fn call_outside(
        &mut self,
        scope: Scope<'_>,
        name: &str,
        taint: Taint,
        arguments: Arguments,
        line: u32,
    ) -> Value {
        let general = generalised(name);
        self.keeps_saved(name, &arguments);
        if let Some(value) = self.intrinsic(scope, &general, name, &arguments, line) {
            return value;
        }
        let plain = self.flat(&arguments);
        if let Some(value) = fold::call(name, &plain) {
            let value = match value {
                fold::Folded::Value(value) => self.made(value),
                fold::Folded::Values(values) => self.sequence(values),
            };
            return value;
        }
        let mut given = arguments.all().fold(taint, |t, v| t.and(self.taint(v)));
        if !keeps_letters(name) {
            given = given.without(Taint::BARE);
        }
        // An attribute of something harmful that nobody can name: `[f for n, f in vars(x).items() if …][0]`.
        if let Some(owner) = name.strip_suffix(".?").filter(|owner| self.is_dangerous(owner)) {
            self.event(scope, line, What::ComputedName(owner.to_owned()));
            return Value::Unknown(given);
        }
        let known =
            effect(&general).or_else(|| evaluated(name, &plain)).or_else(|| sql::effect(name, &plain));
        let made = match known {
            Some(Effect::Network) => {
                // What a machine of a cloud is told of itself are its credentials.
                let asked = arguments.all().filter_map(Value::beginning).filter_map(address::host);
                if asked.into_iter().any(address::is_metadata) { Taint::SECRET } else { Taint::NETWORK }
            }
            Some(Effect::Hub) => Taint::HUB,
            // What a program prints that is asked for secrets.
            Some(Effect::Command) if plain.iter().filter_map(Value::beginning).any(shell::gives) => {
                Taint::SECRET
            }
            Some(Effect::Secret) if is_one_key(name) => match arguments.plain.first() {
                Some(variable) if name.starts_with("os.") => self.variable(variable),
                _ => Taint::KEY.and(Taint::BARE),
            },
            Some(Effect::Secret) => Taint::SECRET.and(Taint::BARE),
            Some(Effect::Decode) => Taint::DECODED,
            _ => Taint::NONE,
        };
        self.origins = self.origins.and(made);
        self.lays_open(scope, name, &arguments, line);
        // A hub keeps what is sent to it for whoever owns the repository.
        let uploads =
            ["upload_file", "upload_folder", "create_commit"].iter().any(|verb| name.ends_with(verb));
        let sends = known == Some(Effect::Network) || known == Some(Effect::Hub) && uploads;
        if sends
            && self.reach == Reach::Use
            && (self.in_a_model()
                || self.is_sent(name, &arguments) && self.of_a_library()
                || self.in_place_of_another() && self.tells_an_address(&arguments))
        {
            self.event(scope, line, What::SendsInput(name.to_owned()));
        }
        self.commands_by_name(scope, name, &arguments, line);
        self.leads_to(scope, name, &arguments, line);
        self.at_large(scope, name, &arguments, line);
        self.builds(scope, name, &arguments, line);
        self.drops(scope, name, known, &arguments, line);
        match known {
            Some(Effect::Decode) => {}
            Some(Effect::Caller) => self.hand_over(scope, &arguments, line, true),
            Some(Effect::Secret) => {}
            Some(effect) => self.effect(scope, effect, name, &arguments, line, false),
            None => {
                if !ASKS.contains(&name) {
                    self.hand_over(scope, &arguments, line, false);
                    let given = self.reach >= Reach::Load && !self.decorating && !called_by_people(name);
                    let how =
                        if registers(name) { Some(Handed::Instead) } else { given.then_some(Handed::Given) };
                    if let Some(how) = how {
                        let values: Vec<Value> = arguments.all().cloned().collect();
                        self.mark_handed(&values, how);
                    }
                }
                if self.reach >= Reach::Load && !name.starts_with("builtins.") {
                    self.calls_outside(scope, name, line);
                }
                self.hands_out(scope, name, &arguments, line);
                // Whoever passes the name of a model says whose code it is.
                let passed = arguments.plain.first().is_some_and(|of| {
                    let taint = self.taint(of);
                    of.as_text().is_none()
                        && taint.has(Taint::GIVEN)
                        && !taint.has(Taint::NETWORK.and(Taint::CALLER))
                });
                if !passed && arguments.named("trust_remote_code") == Some(&Value::Bool(true)) {
                    let what =
                        arguments.plain.first().and_then(Value::as_text).unwrap_or("a repository").to_owned();
                    self.event(scope, line, What::Foreign(what));
                }
            }
        }
        if name.len() > MAX_NAME {
            return Value::Unknown(given.and(made));
        }
        // A request that is put together first, to be sent by another call.
        if name.ends_with("request.Request") && self.is_body(&arguments) {
            return Value::Outside(SENDING.into(), given.and(made));
        }
        Value::Outside(format!("{name}()").into(), given.and(made))
    }

    /// A call of something that is in no table of effects. What an effect returned was told with it.
    fn calls_outside(&mut self, scope: Scope<'_>, name: &str, line: u32) {
        let told = name.split_once('(').is_some_and(|(called, _)| effect(called).is_some());
        if !told && self.told.insert((name.to_owned(), self.reach)) {
            self.event(scope, line, What::Outside(name.to_owned()));
        }
    }

    pub(super) fn effect(
        &mut self,
        scope: Scope<'_>,
        effect: Effect,
        name: &str,
        arguments: &Arguments,
        line: u32,
        handed: bool,
    ) {
        if effect == Effect::Deserialise
            && let Some(bytes) = arguments
                .plain
                .first()
                .and_then(|v| if let Value::Bytes(b) = v { Some(b.clone()) } else { None })
        {
            return self.event(scope, line, What::Unpickles(bytes));
        }
        // Words that depend on a condition: each way is a command of its own.
        if let (Effect::Command, Some(Value::OneOf(ways))) = (effect, arguments.plain.first())
            && ways.len() <= MAX_WAYS
            && ways.iter().all(|way| matches!(self.cell_of(way), Some(Cell::Sequence(_))))
        {
            for way in ways.clone().iter() {
                let mut one = arguments.clone();
                one.plain.splice(..1, [way.clone()]);
                self.effect(scope, effect, name, &one, line, handed);
            }
            return;
        }
        let by_path = ["joblib.load", "pickle.load", "torch.load"].contains(&name);
        let read =
            arguments.plain.first().or_else(|| arguments.named("filename")).or_else(|| arguments.named("f"));
        let of_the_model = || by_path && read.is_some_and(|v| self.of_the_model(v));
        if effect == Effect::Deserialise
            && (is_safe_loader(name, arguments) || self.has_safe_loader(name, arguments) || of_the_model())
        {
            return;
        }
        if by_path && !handed && read.is_some_and(|v| self.saved.is_own(v)) {
            return self.event(scope, line, What::ReadsBack(name.to_owned()));
        }
        let in_cells = self.subject.ends_with(".ipynb") && self.reach >= Reach::Load;
        if by_path && !handed && in_cells && read.is_some_and(|v| self.saved.is_theirs(v)) {
            return self.event(scope, line, What::ReadsTheirs(name.to_owned()));
        }
        let mut taint = self.taint_of_effect(effect, arguments);
        if effect == Effect::Network {
            // A key in a header is how a service is asked; anywhere else it is given away.
            let shown = |name: &str| ["headers", "auth", "token", "api_key", "key"].contains(&name);
            let given = arguments
                .plain
                .iter()
                .chain(arguments.named.iter().filter(|(n, _)| !shown(n)).map(|(_, v)| v));
            let elsewhere = taint.has(Taint::OWN) && is_asked_elsewhere(arguments);
            if !elsewhere && !given.fold(Taint::NONE, |t, v| t.and(self.taint(v))).has(Taint::KEY) {
                taint = taint.without(Taint::KEY);
            }
        }
        let mut plain = self.flat(arguments);
        // Bytes of what is handed over are of no use to whoever reads the finding.
        plain.truncate(8);
        // Paths and addresses are given by name as well.
        let named =
            arguments.named.iter().map(|(_, value)| value).filter(|value| value.beginning().is_some());
        plain.extend(named.take(8).cloned());
        let manner = if handed { Manner::Handed } else { manner(effect, name, arguments) };
        self.event(
            scope,
            line,
            What::Effect { effect, name: name.to_owned(), arguments: plain, taint, manner },
        );
        if self.is_put_together(scope, name) {
            self.event(scope, line, What::ComputedName(name.to_owned()));
        }
    }

    /// Where the arguments of an effect came from. Of a program with words, whoever calls has to choose the program for
    /// the command to be theirs.
    fn taint_of_effect(&self, effect: Effect, arguments: &Arguments) -> Taint {
        let taint = arguments.all().fold(Taint::NONE, |t, v| t.and(self.taint(v)));
        // A command in a lambda is there to be run by whoever it was handed to.
        if self.in_lambda && matches!(effect, Effect::Command | Effect::Install) {
            return taint.and(Taint::CALLER);
        }
        let first = arguments.plain.first().and_then(|v| self.cell_of(v));
        match first {
            Some(Cell::Sequence(words)) if effect == Effect::Command => {
                let program = words.first().map_or(Taint::NONE, |v| self.taint(v));
                if program.has(Taint::CALLER) { taint } else { taint.without(Taint::CALLER) }
            }
            _ => taint,
        }
    }

    /// Whether the source does not contain the name that was reached.
    fn is_put_together(&self, scope: Scope<'_>, name: &str) -> bool {
        let last = name.trim_end_matches("()").rsplit('.').next().unwrap_or(name);
        let text = self.modules.get(scope.module).map(|m| &m.text);
        text.is_some_and(|text| {
            !last.is_empty()
                && !text.contains(last)
                && (text.is_ascii() || !text.nfkc().collect::<String>().contains(last))
        })
    }

    /// Functions among the arguments of a call of something that is not looked into: it may call them.
    pub(super) fn hand_over(&mut self, scope: Scope<'_>, arguments: &Arguments, line: u32, at_once: bool) {
        let handed: Vec<Value> = arguments.all().flat_map(|v| v.choices().to_vec()).collect();
        if !at_once {
            self.mark_handed(&handed, Handed::Over);
        }
        for value in &handed {
            match value {
                Value::Outside(name, _) => {
                    let known = effect(name);
                    let runs = matches!(
                        known,
                        Some(Effect::Command | Effect::Code | Effect::Install | Effect::Native)
                    ) || matches!(
                        name.as_ref(),
                        // What it reads is not here, whoever calls it.
                        "joblib.load"
                            | "pickle.load"
                            | "pickle.loads"
                            | "torch.load"
                            | "dill.load"
                            | "builtins.exec"
                            | "builtins.eval"
                            | "builtins.compile"
                            | "builtins.__import__"
                    );
                    if runs {
                        self.effect(scope, known.unwrap_or(Effect::Code), name, arguments, line, true);
                    } else if at_once && known.is_some_and(|effect| effect != Effect::Caller) {
                        // `atexit.register(shutil.rmtree, path)` is the call, only later.
                        let given = self.passed_on(scope, &handed, value, arguments, line);
                        self.call(scope, value, given, line);
                    }
                }
                Value::Function(index) if at_once => {
                    let given = self.passed_on(scope, &handed, value, arguments, line);
                    self.call_function(*index, given, false);
                }
                Value::Cell(_) if at_once && matches!(self.cell_of(value), Some(Cell::Partial { .. })) => {
                    let rest: Vec<Value> = handed.iter().filter(|v| *v != value).cloned().collect();
                    self.call(scope, value, Arguments::of(rest), line);
                }
                _ => {}
            }
        }
    }

    /// Whether YAML is read by a class of the source's own that is made of a safe loader.
    fn has_safe_loader(&self, name: &str, arguments: &Arguments) -> bool {
        let safe = |base: &Value| matches!(base, Value::Outside(name, _) if ["SafeLoader", "BaseLoader"].iter().any(|end| name.ends_with(end)));
        let made = |value: &Value| match value {
            Value::Class(index) => self.classes.get(*index).is_some_and(|class| {
                // A further base could bring constructors of its own.
                class.bases.len() == 1 && class.bases.iter().all(safe)
            }),
            _ => false,
        };
        matches!(name, "yaml.load" | "yaml.load_all") && arguments.all().any(made)
    }

    /// What a function is called with that is handed over with its arguments.
    fn passed_on(
        &mut self,
        scope: Scope<'_>,
        handed: &[Value],
        function: &Value,
        arguments: &Arguments,
        line: u32,
    ) -> Arguments {
        let given = arguments.named("args").cloned();
        let given = given.and_then(|args| self.elements(scope, &args, line)).unwrap_or_default();
        let rest = handed.iter().filter(|v| *v != function).cloned();
        Arguments::of(if given.is_empty() { rest.collect() } else { given })
    }

    /// Remembers that somebody else has these functions.
    pub(super) fn mark_handed(&mut self, values: &[Value], how: Handed) {
        for value in values {
            if let Value::Function(index) = value
                && let Some(function) = self.functions.get_mut(*index)
            {
                function.handed = function.handed.max(Some(how));
            }
        }
    }

    /// Arguments with the sequences among them laid flat where they are short: argument vectors of programs.
    fn flat(&self, arguments: &Arguments) -> Vec<Value> {
        let mut out = Vec::new();
        for value in &arguments.plain {
            out.push(match self.cell_of(value) {
                Some(Cell::Sequence(values)) if values.len() <= 100_000 => {
                    fold::joined(values).or_else(|| self.begun(values)).unwrap_or_else(|| value.clone())
                }
                _ => value.clone(),
            });
        }
        out
    }

    /// The words of a program's arguments as far as they are known.
    fn begun(&self, values: &[Value]) -> Option<Value> {
        let taint = values.iter().take(64).fold(Taint::NONE, |t, v| t.and(self.taint(v)));
        let mut words: Vec<String> = values.iter().take(64).map(Value::part).collect();
        match (values.first()?, words.first_mut()) {
            // The interpreter that runs this, by its path.
            (Value::Outside(name, _), Some(first)) if &**name == "sys.executable" => {
                *first = "python".to_owned()
            }
            (first, _) => {
                first.beginning()?;
            }
        }
        Some(Value::with_gaps(&words.join(" "), taint))
    }

    /// The elements of the argument at a place, where they are known.
    pub(super) fn list_at(
        &mut self,
        scope: Scope<'_>,
        arguments: &Arguments,
        place: usize,
        line: u32,
    ) -> Option<Vec<Value>> {
        let value = arguments.plain.get(place)?.clone();
        self.elements(scope, &value, line)
    }
}
