//! What the tables allow of libraries' objects, and how far.

use super::{outcome, unescape};
use crate::Outcome;

fn judged(stream: &str) -> Outcome {
    outcome(&unescape(&format!(r"\x80\x04{stream}.")))
}

#[test]
fn expressions_hold_no_text_that_is_evaluated() {
    let x = r"csympy.core.symbol\nSymbol\n\x8c\x01x\x85\x81";
    let sine = format!(r"csympy.functions.elementary.trigonometric\nsin\n{x}\x85\x81");
    assert_eq!(judged(&sine), Outcome::Clean);
    let integral =
        |limit: &str| format!(r"csympy.integrals.integrals\nIntegral\n{sine}{x}{limit}K\x01\x87\x86\x81");
    assert_eq!(judged(&integral("K\\x00")), Outcome::Clean);
    assert_eq!(judged(&integral(r"\x8c\x03f()")), Outcome::Suspicious);
    // Keys of a dict are read as expressions, and so are arguments that a state sets.
    let text = r"csympy.functions.elementary.trigonometric\nsin\n}\x8c\x03f()K\x01s\x85\x81";
    assert_eq!(judged(text), Outcome::Suspicious);
    assert_eq!(
        judged(&text.replace("functions.elementary.trigonometric\\nsin", "core.add\\nAdd")),
        Outcome::Suspicious
    );
    assert_eq!(judged(&format!(r"{sine}}}\x8c\x05_args\x8c\x03f()\x85sb")), Outcome::Suspicious);
}

#[test]
fn a_configuration_is_given_state_once() {
    let made = r"ctransformers.models.bert.configuration_bert\nBertConfig\n)\x81";
    assert_eq!(judged(&format!(r"{made}}}\x8c\x01aK\x01sb")), Outcome::Clean);
    // What its first state holds would lead the search for `__setstate__` elsewhere, or be called as a validator.
    assert_eq!(judged(&format!(r"{made}}}\x8c\x01aK\x01sb}}\x8c\x01bK\x01sb")), Outcome::Suspicious);
    assert_eq!(judged(&format!(r"{made}N}}\x8c\x01aK\x01s\x86b")), Outcome::Suspicious);
    let computed = format!(r"{made}cbuiltins\ntuple\n](N}}\x8c\x01aK\x01se\x85Rb");
    assert_eq!(judged(&computed), Outcome::Suspicious);
}

#[test]
fn models_of_tokenizers_are_made_of_nothing() {
    let made = |args: &str| judged(&format!(r"ctokenizers.models\nBPE\n{args}\x81C\x02{{}}b"));
    assert_eq!(made(")"), Outcome::Clean);
    assert_eq!(made(r"\x8c\x01v\x8c\x01m\x86"), Outcome::Suspicious);
}

#[test]
fn what_holds_itself_many_times_over_takes_no_longer() {
    let partial = |held: &str| format!(r"cfunctools\npartial\n(cbuiltins\nlist\n{held}tR\x940");
    let mut stream = partial("");
    for level in 0..6 {
        stream.push_str(&partial(&format!(r"h\x0{level}").repeat(200)));
    }
    let factory = format!(r"{stream}ccollections\ndefaultdict\nh\x06\x85R");
    assert_eq!(judged(&factory), Outcome::Suspicious);
    let mut tuples = r"K\x01\x940".to_owned();
    for level in 0..5 {
        tuples.push_str(&format!(r"({}t\x940", format!(r"h\x0{level}").repeat(200)));
    }
    assert_eq!(judged(&format!(r"{tuples}cnumpy\nndarray\nh\x05\x85R")), Outcome::Suspicious);
}

#[test]
fn a_figure_calls_nothing_but_matplotlib() {
    let figure = |state: &str| judged(&format!(r"cmatplotlib.figure\nFigure\n)\x81}}({state}ub"));
    let stale = |global: &str| figure(&format!(r"\x8c\x0estale_callback{global}"));
    assert_eq!(stale("N"), Outcome::Clean);
    assert_eq!(stale(r"cmatplotlib.figure\n_stale_figure_callback\n"), Outcome::Clean);
    assert_eq!(stale(r"cbuiltins\nlen\n"), Outcome::Suspicious);
    assert_eq!(stale(r"cfunctools\npartial\ncbuiltins\nlen\n\x85R"), Outcome::Suspicious);
    // Its own method, shadowed; and what is no registry of callbacks, asked to connect.
    assert_eq!(figure(r"\x8c\x0aset_canvasK\x01"), Outcome::Suspicious);
    assert_eq!(figure(r"\x8c\x05_anotcbuiltins\nlen\n"), Outcome::Suspicious);
    let registry = |class: &str| figure(&format!(r"\x8c\x11_canvas_callbacksc{class}\n)\x81"));
    assert_eq!(registry(r"matplotlib.cbook\nCallbackRegistry"), Outcome::Clean);
    assert_eq!(registry(r"sklearn.linear_model._logistic\nLogisticRegression"), Outcome::Suspicious);
}

#[test]
fn what_dill_shows_is_read_as_that() {
    let shown = |text: &str| {
        let length = format!("{:02x}", text.len());
        judged(&format!(r"cdill._dill\n_eval_repr\n\x8c\x{length}{text}\x85R"))
    };
    assert_eq!(shown("range(0, 3)"), Outcome::Clean);
    assert_eq!(shown("slice(None, -3, None)"), Outcome::Clean);
    assert_eq!(shown("Ellipsis"), Outcome::Clean);
    for text in ["range(print(1))", "range(0, 3) or f()", "f()", "range(0, 3).x()", "", "range(", "range(0,)"]
    {
        assert_ne!(shown(text), Outcome::Clean, "{text}");
    }
}

#[test]
fn a_vocabulary_has_its_own_pickle_looked_into() {
    let doc = |kept: &str| {
        let length = format!("{:02x}", unescape(kept).len());
        judged(&format!(r"cspacy.tokens.doc\nunpickle_doc\nNC\x{length}{kept}C\x00\x87R"))
    };
    assert_eq!(doc(r"\x80\x04}."), Outcome::Clean);
    assert_eq!(doc(r"\x80\x04cos\nsystem\n\x8c\x04echo\x85R."), Outcome::Malicious);
    assert_ne!(doc(r"\x80\x04cevil\nmaker\n)R."), Outcome::Clean);
    assert_ne!(judged(r"cspacy.tokens.doc\nunpickle_doc\nNNC\x00\x87R"), Outcome::Clean);
}

#[test]
fn a_file_in_an_array_is_looked_into() {
    let model = |kept: &str| {
        let length = format!("{:02x}", unescape(kept).len());
        let kind = r"cnumpy\ndtype\n\x8c\x02u1\x89\x88\x87R(K\x03\x8c\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb";
        let array = r"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85C\x01btR";
        let state = format!(r"(K\x01K\x{length}\x85{kind}\x89C\x{length}{kept}tb");
        let call = r"ckeras.saving.pickle_utils\ndeserialize_model_from_bytecode\n";
        judged(&format!(r"{call}{array}{state}\x85R"))
    };
    assert_eq!(model(r"\x80\x04}."), Outcome::Clean);
    assert_eq!(model(r"\x80\x04cos\nsystem\n\x8c\x04echo\x85R."), Outcome::Malicious);
    assert_ne!(model(r"no file that anybody knows\x01\x02"), Outcome::Clean);
    let behind = |kept: &str| {
        let length = format!("{:02x}", unescape(kept).len());
        let kind = r"cnumpy\ndtype\n\x8c\x02u1\x89\x88\x87R(K\x03\x8c\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb";
        judged(&format!(
            r"ckeras.saving.pickle_utils\ndeserialize_model_from_bytecode\ncjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}}(\x8c\x08subclasscnumpy\nndarray\n\x8c\x05shapeK\x{length}\x85\x8c\x05order\x8c\x01C\x8c\x05dtype{kind}\x8c\x0aallow_mmap\x89ub{kept}\x85R"
        ))
    };
    assert_eq!(behind(r#"{"a": 1}"#), Outcome::Clean);
    assert_eq!(behind(r"\x80\x04cos\nsystem\n\x8c\x04echo\x85R."), Outcome::Malicious);
    assert_ne!(behind(r"no file that anybody knows\x01\x02"), Outcome::Clean);
    let computed = r"ckeras.saving.pickle_utils\ndeserialize_model_from_bytecode\ncevil\nmaker\n)R\x85R";
    assert_ne!(judged(computed), Outcome::Clean);
}

#[test]
fn objects_of_joblib_count_their_memo_from_the_start() {
    let joblib = |third: &str, inner: &str| {
        let dtype =
            r"cnumpy\ndtype\n\x8c\x02O8\x89\x88\x87R(K\x03\x8c\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb";
        let wrapper = format!(
            r"cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}}(\x8c\x08subclasscnumpy\nndarray\n\x8c\x05shapeK\x02\x85\x8c\x05order\x8c\x01C\x8c\x05dtype{dtype}\x8c\x0aallow_mmap\x89ub"
        );
        let array = format!(
            r"\x80\x04\x8c\x16numpy._core.multiarray\x94\x8c\x0c_reconstruct\x94\x93\x94\x8c\x05numpy\x94\x8c\x07ndarray\x94\x93\x94K\x00\x85\x94C\x01b\x94\x87\x94R\x94(K\x01K\x02\x85\x94h\x03\x8c\x05dtype\x94\x93\x94\x8c\x02O8\x94\x89\x88\x87\x94R\x94(K\x03\x8c\x01|\x94NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?t\x94b\x89]\x94({inner}et\x94b."
        );
        judged(&format!(r"\x8c\x01a\x94\x8c\x01b\x94\x8c\x01c\x94\x8c{third}\x940000]{wrapper}{array}a"))
    };
    let texts = r"\x8c\x03age\x94\x8c\x03sex\x94";
    assert_eq!(joblib(r"\x08features", texts), Outcome::Clean);
    // What another reading finds harmful counts in any, and so does what joblib itself would import.
    assert_eq!(joblib(r"\x08features", r"cos\nsystem\n\x8c\x04echo\x85RN"), Outcome::Malicious);
    assert_eq!(joblib(r"\x08features", r"cevil\nmaker\n)RN"), Outcome::Suspicious);
    // A library that has a dtype reads on.
    assert_eq!(joblib(r"\x04cupy", texts), Outcome::Suspicious);
}

#[test]
fn packed_weights_are_made_under_their_own_names() {
    let object = |name: &str| {
        let length = format!("{:02x}", name.len());
        judged(&format!(r"ctorch\nScriptObject\n)\x81K\x01\x8c\x{length}{name}\x86b"))
    };
    assert_eq!(object("__torch__.torch.classes.quantized.LinearPackedParamsBase"), Outcome::Clean);
    assert_eq!(object("__torch__.torch.classes.tensorrt.Engine"), Outcome::Suspicious);
    assert_eq!(object("quantized.LinearPackedParamsBase"), Outcome::Suspicious);
    assert_eq!(judged(r"ctorch\nScriptObject\n)\x81K\x01b"), Outcome::Suspicious);
    assert_eq!(judged(r"ctorch\nScriptObject\nK\x01\x85R"), Outcome::Suspicious);
}

#[test]
fn a_buffer_is_looked_into_as_the_file_it_holds() {
    let model = |buffer: &str| {
        judged(&format!(
            r"ckeras.src.saving.keras_saveable\nKerasSaveable\n\x940cbuiltins\ngetattr\nh\x00\x8c\x0f_unpickle_model\x86R{buffer}\x85R"
        ))
    };
    let held = |bytes: &str| {
        let length = format!("{:02x}", unescape(bytes).len());
        model(&format!(r"c_io\nBytesIO\n)\x81C\x{length}{bytes}K\x00N\x87b"))
    };
    assert_eq!(held(r"\x80\x04cos\nsystem\n\x8c\x04echo\x85R."), Outcome::Malicious);
    assert_ne!(model("N"), Outcome::Clean);
    assert_ne!(model(r"cevil\nBytesIO\n)\x81C\x01aK\x00N\x87b"), Outcome::Clean);
}

#[test]
fn a_named_tuple_of_dill_is_an_import() {
    let made = |name: &str, module: &str| {
        let (long, short) = (format!("{:02x}", module.len()), format!("{:02x}", name.len()));
        judged(&format!(
            r"cdill._dill\n_create_namedtuple\n\x8c\x{short}{name}\x8c\x01a\x85\x8c\x{long}{module}\x87RK\x01\x85\x81"
        ))
    };
    assert_eq!(made("EncodedTermStructure", "formulaic.materializers.base"), Outcome::Clean);
    assert_eq!(made("Popen", "subprocess"), Outcome::Malicious);
    assert_eq!(made("Maker", "evil"), Outcome::Suspicious);
    assert_eq!(made("base.EncodedTermStructure", "formulaic.materializers"), Outcome::Suspicious);
}

#[test]
fn objects_of_classes_of_unknown_packages_are_not_proven() {
    for object in [
        r"c__main__\nScaler\n)\x81}\x8c\x01aK\x01sb",
        r"cproject.models.churn\nChurnModel\n)\x81",
        r"cproject.models\nSpace._Uniform\n)\x81",
        // A class that is kept.
        r"cproject.models\nSpace\n",
    ] {
        assert_eq!(judged(object), Outcome::Unscannable, "{object}");
    }
    for called in [
        // Called, now or later; a function; something of a module that the package has; a package that is known.
        r"cproject.models\nChurnModel\n)R",
        r"cproject.models\nChurnModel\n)\x810cproject.models\nChurnModel\n)R",
        r"cproject.models\nmake\n)\x81",
        r"cproject.models\nTemplate\n\x8c\x04text\x85\x81",
        r"cproject.models\nmake\n",
        r"c__main__\nnp.Maker\n)\x81",
        r"cjoblib.numpy_pickle_compat\nNDArrayWrapper\n)\x81",
        r"cwsgiref.simple_server\nWSGIServer\n)\x81",
        r"csklearn.strange\nMaker\n)\x81",
    ] {
        assert_eq!(judged(called), Outcome::Suspicious, "{called}");
    }
    assert_eq!(judged(r"\x80\x04\x8c\x08__main__\x8c\x09os.system\x93)\x81"), Outcome::Malicious);
}

#[test]
fn an_enumeration_is_asked_by_an_instance_of_its_library() {
    let weights =
        |value: &str| judged(&format!(r"ctorchvision.models.resnet\nResNet18_Weights\n{value}\x85R"));
    assert_eq!(weights(r"ctorchvision.models._api\nWeights\n)\x81"), Outcome::Clean);
    assert_ne!(weights(r"cevil\nmaker\n)\x81"), Outcome::Clean);
    assert_eq!(weights(r"cbuiltins\nlen\n"), Outcome::Suspicious);
}

#[test]
fn a_quantity_is_given_state_once_and_no_items() {
    let made = r"cnumpy.core.multiarray\n_reconstruct\n(castropy.units.quantity\nQuantity\nK\x00\x85C\x01btR(K\x01K\x01\x85NtX";
    let quantity =
        |own: &str, more: &str| judged(&format!("{}{own}\\x86b{more}", made.trim_end_matches('X')));
    assert_eq!(quantity(r"}\x8c\x05_unitNs", ""), Outcome::Clean);
    assert_eq!(quantity(r"}\x8c\x04infoNs", ""), Outcome::Suspicious);
    assert_eq!(quantity("}", r"(K\x01N\x86}\x86b"), Outcome::Suspicious);
    assert_eq!(quantity("}", r"K\x00K\x01s"), Outcome::Suspicious);
}

#[test]
fn what_typing_keeps_is_data() {
    let made = |key: &str, value: &str| {
        let length = format!("{:02x}", key.len());
        judged(&format!(r"ccollections\nOrderedDict\n)R}}\x8c\x{length}{key}{value}sb"))
    };
    assert_eq!(made("__orig_class__", r"ctyping\nOrderedDict\n"), Outcome::Clean);
    assert_eq!(made("__orig_class__", r"cevil\nmaker\n"), Outcome::Suspicious);
    assert_eq!(made("__signature__", "N"), Outcome::Suspicious);
    assert_eq!(made("__other__", r"ctyping\nOrderedDict\n"), Outcome::Suspicious);
}

fn short(text: &str) -> String {
    format!(r"\x8c\x{:02x}{text}", text.len())
}

#[test]
fn what_dill_asks_a_module_for_is_an_import() {
    let asked = |module: &str, name: &str| {
        let (module, name) = (short(module), short(name));
        judged(&format!(r"cdill._dill\n_get_attr\n(cdill._dill\n_import_module\n{module}\x85R{name}tR"))
    };
    assert_eq!(asked("numpy.core._multiarray_umath", "scalar"), Outcome::Clean);
    assert_eq!(asked("math", "sqrt"), Outcome::Clean);
    assert_eq!(judged(r"cdill._dill\n_import_module\n\x8c\x05numpy\x85R"), Outcome::Clean);
    assert_eq!(asked("os", "system"), Outcome::Malicious);
    // Where the module has nothing of that name, the built-ins are asked.
    for (module, name) in [("numpy.core._multiarray_umath", "eval"), ("math", "__import__"), ("math", "evil")]
    {
        assert_ne!(asked(module, name), Outcome::Clean, "{module}.{name}");
    }
    assert_eq!(asked("strange", "thing"), Outcome::Suspicious);
    assert_ne!(asked("numpy.strange", "thing"), Outcome::Clean);
    let computed = r"cdill._dill\n_import_module\ncevil\nname\n)R\x85R";
    assert_ne!(judged(computed), Outcome::Clean);
    let of_a_text = r"cdill._dill\n_get_attr\n(\x8c\x01a\x8c\x05upper\x85tR";
    assert_ne!(judged(of_a_text), Outcome::Clean);
    let by_text = |module: &str, name: &str| {
        let (module, name) = (short(module), short(name));
        judged(&format!(r"cdill._dill\n_get_attr\n({module}{name}tR"))
    };
    assert_eq!(by_text("builtins", "abs"), Outcome::Clean);
    assert_eq!(by_text("os", "system"), Outcome::Malicious);
    assert_eq!(by_text("builtins", "eval"), Outcome::Malicious);
    for (module, name) in [("builtins", "__import__"), ("os.path", "join"), ("strange", "thing")] {
        assert_ne!(by_text(module, name), Outcome::Clean, "{module}.{name}");
    }
    let deeper =
        r"cdill._dill\n_get_attr\n(cdill._dill\n_import_module\n\x8c\x05numpy\x85R\x8c\x09os.systemtR";
    assert_ne!(judged(deeper), Outcome::Clean);
    let held = r"cfunctools\npartial\ncdill._dill\n_import_module\n\x85R";
    assert_ne!(judged(held), Outcome::Clean);
}

#[test]
fn a_block_of_a_frame_is_given_no_class() {
    let values = r"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85C\x01btR";
    let place = r"cbuiltins\nslice\nK\x00K\x01K\x01\x87R";
    let block = r"cpandas.core.internals.blocks\nnew_block\n";
    let partial = |named: &str| {
        judged(&format!(r"cfunctools\npartial\n{block}\x85R({block}){named}Ntb{values}{place}\x86R"))
    };
    let by_dill = |of: &str, function: &str, named: &str| {
        judged(&format!(r"cdill._dill\n_create_ftype\n({of}{function}){named}tR{values}{place}\x86R"))
    };
    let dill = r"cdill._dill\n_load_type\n\x8c\x0bPartialType\x85R";
    assert_eq!(partial(r"}\x8c\x04ndimK\x02s"), Outcome::Clean);
    assert_eq!(by_dill(dill, block, r"}\x8c\x04ndimK\x02s"), Outcome::Clean);
    assert_eq!(judged(&format!(r"{block}({values}{place}K\x02tR")), Outcome::Clean);
    for named in [
        r"}\x8c\x05klasscnumpy\nmean\ns",
        r"}(\x8c\x04ndimK\x02\x8c\x05klasscnumpy\nmean\nu",
        r"}\x8c\x04ndimcnumpy\nmean\ns",
    ] {
        assert_ne!(partial(named), Outcome::Clean, "{named}");
        assert_ne!(by_dill(dill, block, named), Outcome::Clean, "{named}");
    }
    assert_ne!(judged(&format!(r"{block}({values}{place}cnumpy\nmean\ntR")), Outcome::Clean);
    assert_ne!(by_dill(r"ccollections\nOrderedDict\n", block, "}"), Outcome::Clean);
    assert_eq!(by_dill(dill, r"cos\nsystem\n", "}"), Outcome::Malicious);
    assert_ne!(by_dill(dill, r"cnumpy\nmean\n", "}"), Outcome::Clean);
    let changed = format!(r"cdill._dill\n_create_ftype\n({dill}{block})}}tR(cnumpy\nmean\n)}}Ntb");
    assert_ne!(judged(&changed), Outcome::Clean);
}

#[test]
fn a_function_of_an_old_numpy_is_an_import() {
    let function = |module: &str, name: &str| {
        judged(&format!(r"cnumpy.core\n_ufunc_reconstruct\n{}{}\x86R", short(module), short(name)))
    };
    assert_eq!(function("numpy", "log1p"), Outcome::Clean);
    assert_eq!(function("os", "system"), Outcome::Malicious);
    assert_ne!(function("evil", "log1p"), Outcome::Clean);
    let computed = r"cnumpy.core\n_ufunc_reconstruct\ncevil\nname\n)R\x8c\x01a\x86R";
    assert_ne!(judged(computed), Outcome::Clean);
}

/// What libraries kept under other names: in torch before 1.13, in cmdstanpy and stanio, which models of prophet hold, in gensim before
/// 3.3, in peft before 0.6, and the arguments of trl's trainers.
#[test]
fn classes_of_older_versions_are_known() {
    for (module, name) in [
        ("torch.nn.modules.linear", "_LinearWithBias"),
        ("torch.nn.quantized.modules.conv", "Conv2d"),
        ("torch.nn.intrinsic.modules.fused", "ConvBnReLU2d"),
        ("torch.quantization.observer", "HistogramObserver"),
        ("torchvision.models.mobilenet", "InvertedResidual"),
        ("cmdstanpy.cmdstan_args", "CmdStanArgs"),
        ("cmdstanpy.stanfit.mle", "CmdStanMLE"),
        ("cmdstanpy.stanfit", "CmdStanMLE"),
        ("stanio.reshape", "Variable"),
        ("gensim.models.word2vec", "Vocab"),
        ("peft.tuners.lora", "LoraConfig"),
        ("trl.trainer.sft_config", "SFTConfig"),
    ] {
        let made = format!(r"c{module}\n{name}\n)\x81}}\x8c\x01aK\x01sb");
        assert_eq!(judged(&made), Outcome::Clean, "{module}.{name}");
    }
    assert_eq!(judged(r"ctorch.nn.backends.thnn\n_get_thnn_function_backend\n)R"), Outcome::Clean);
    // It joins a group of processes; an argument is no state.
    let joins = r"ctorch.nn.parallel.distributed\nDistributedDataParallel\n)\x81}\x8c\x01aK\x01sb";
    assert_ne!(judged(joins), Outcome::Clean);
    assert_ne!(judged(r"ctrl.trainer.sft_config\nSFTConfig\n\x8c\x01a\x85R"), Outcome::Clean);
}

#[test]
fn what_python_asks_an_instance_for_is_not_the_file_s() {
    let load = r"ctorch.storage\n_load_from_bytes\n";
    let (model, bunch) = (
        r"csklearn.linear_model._logistic\nLogisticRegression\n)\x81",
        r"csklearn.utils._bunch\nBunch\n)\x81",
    );
    let result = r"cscipy.optimize._optimize\nOptimizeResult\n";
    for stream in [
        format!(r"{model}}}\x8c\x06append{load}sbC\x03abca"),
        format!(r"{model}}}\x8c\x06extend{load}sb(C\x03abce"),
        format!(r"{bunch}(\x8c\x06append{load}uC\x03abca"),
        format!(r"{bunch}(\x8c\x03add{load}u(C\x03abc\x90"),
        format!(r"{result})\x81(\x8c\x0c__setstate__{load}uC\x03abcb"),
        format!(r"{result}}}\x8c\x0c__setstate__{load}s\x85RC\x03abcb"),
        format!(r"{result}}}\x8c\x06append{load}s\x85RC\x03abca"),
        format!(
            r"ccopyreg\n_reconstructor\n{result}cbuiltins\ndict\n}}\x8c\x0c__setstate__{load}s\x87RC\x03abcb"
        ),
        format!(r"cscipy.odr._odrpack\nModel\n)\x81}}\x8c\x04meta}}\x8c\x0c__setstate__{load}ssbC\x03abcb"),
        r"ccollections\nUserDict\n)\x81}\x8c\x04data}sb\x8c\x01aK\x01s".to_owned(),
        format!(r"{model}}}\x8c\x06update{load}sb"),
    ] {
        assert_ne!(judged(&stream), Outcome::Clean, "{stream}");
    }
    assert_eq!(judged(&format!(r"{bunch}(\x8c\x04dataK\x01\x8c\x08__init__K\x02u}}b")), Outcome::Clean);
    assert_eq!(judged(r"cnltk.tree.tree\nTree\n)\x81\x8c\x01aa}\x8c\x06_label\x8c\x01Ssb"), Outcome::Clean);
}

#[test]
fn an_order_of_an_old_model_is_not_zero() {
    let model = |order: &str| judged(&format!(r"cstatsmodels.tsa.arima_model\nARIMA\n(]{order}NNNNt\x81}}b"));
    assert_eq!(model(r"(K\x01K\x01K\x01t"), Outcome::Clean);
    assert_eq!(model(r"(K\x01K\x00K\x01t"), Outcome::Suspicious);
    assert_eq!(model(r"(K\x01\x89K\x01t"), Outcome::Suspicious);
    assert_eq!(model("N"), Outcome::Suspicious);
}

#[test]
fn items_that_become_attributes_have_constant_names() {
    let bag = |key: &str, value: &str| judged(&format!(r"ceasydict\nEasyDict\n)\x81{key}{value}s}}b"));
    let computed = r"cnumpy\nstr_\n\x8c\x09__class__\x85R";
    assert_eq!(bag(r"\x8c\x01a", "]"), Outcome::Clean);
    assert_eq!(bag(computed, "]"), Outcome::Clean);
    assert_eq!(bag(r"\x8c\x09__class__", r"caddict.addict\nDict\n"), Outcome::Suspicious);
    assert_eq!(bag(computed, r"caddict.addict\nDict\n"), Outcome::Suspicious);
    let frozen =
        |global: &str| judged(&format!(r"cnetworkx.classes.graph\nGraph\n)\x81}}\x8c\x05clearc{global}\nsb"));
    assert_eq!(frozen(r"networkx.classes.function\nfrozen"), Outcome::Clean);
    assert_eq!(frozen(r"torch.nn.functional\nrelu"), Outcome::Suspicious);
}

#[test]
fn a_dictionary_of_tensors_keeps_no_methods() {
    let made = |state: &str| {
        judged(&format!(r"ctensordict._reductions\n_make_td\nctensordict._td\nTensorDict\n}}({state}u\x86R"))
    };
    let tensors = r"\x8c\x0b_tensordict}\x8c\x07_deviceN";
    assert_eq!(made(tensors), Outcome::Clean);
    assert_eq!(made(&format!(r"{tensors}\x8c\x05lock_ctorch.nn.functional\nrelu\n")), Outcome::Suspicious);
    assert_eq!(made(&format!(r"{tensors}\x8c\x0a_is_locked\x88")), Outcome::Suspicious);
    assert_eq!(made(r"\x8c\x0b_tensordictN"), Outcome::Suspicious);
    assert_eq!(
        judged(r"ctensordict._reductions\n_make_td\nceasydict\nEasyDict\n}\x86R"),
        Outcome::Suspicious
    );
}

#[test]
fn numbers_that_joblib_keeps_run_nothing_where_they_are_read_as_opcodes() {
    let array = |numbers: &str| {
        let kind = r"cnumpy\ndtype\n\x8c\x02f8\x89\x88\x87R(K\x03\x8c\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb";
        judged(&format!(
            r"}}(\x8c\x05modelcjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}}(\x8c\x08subclasscnumpy\nndarray\n\x8c\x05shapeK\x02\x85\x8c\x05order\x8c\x01C\x8c\x05dtype{kind}\x8c\x0aallow_mmap\x89ub{numbers}u"
        ))
    };
    // Codes of extensions, ids of tensors, calls of what is a text, state for one, places of the memo far away.
    for first in ["\\x82\\x01", "\\x97\\x11", "Q\\x11", "R\\x11", "\\x81\\x11", "b\\x11", "r\\x11", "a\\x11"]
    {
        assert_eq!(
            array(&format!(r"{first}\x22\x33\x44\x55\x66\x77\x00\x00\x00\x00\x00\x00\xf0?")),
            Outcome::Clean,
            "{first}"
        );
    }
    // What has a name of its own there counts as ever.
    assert_eq!(array(r"cos\nsystem\n)R\x00\x00\x00"), Outcome::Malicious);
    assert_eq!(array(r"cevil\nmake\n)R\x00\x00\x00\x00"), Outcome::Suspicious);
    assert_eq!(judged(r"\x82\x01"), Outcome::Suspicious);
}

#[test]
fn distributions_of_old_are_made_of_constants() {
    let state =
        |of: &str| judged(&format!(r"cscipy.stats._continuous_distns\nuniform_gen\n)\x81}}({of}uN\x86b"));
    assert_eq!(state(r"\x8c\x01aK\x00\x8c\x06shapesN"), Outcome::Clean);
    assert_eq!(state(r"\x8c\x06shapes\x8c\x04a, b"), Outcome::Clean);
    assert_eq!(state(r"\x8c\x06shapes\x8c\x06a=f(1)"), Outcome::Suspicious);
    assert_eq!(state(r"\x8c\x04_pdfK\x00"), Outcome::Suspicious);
    assert_eq!(state(r"\x8c\x04nameccollections\nOrderedDict\n"), Outcome::Suspicious);
}

#[test]
fn a_tokenizer_matches_with_patterns() {
    let vocabulary = r"cspacy.vocab\nunpickle_vocab\n(NNNNC\x04\x80\x04}.tR";
    let made = |of: &str| judged(&format!(r"cspacy.tokenizer\nTokenizer\n({vocabulary}}}{of}tR"));
    let method = |name: &str| {
        let length = format!("{:02x}", name.len());
        format!(r"cbuiltins\ngetattr\ncre\n_compile\n\x8c\x01aK\x20\x86R\x8c\x{length}{name}\x86R")
    };
    assert_eq!(made("NN"), Outcome::Clean);
    assert_eq!(made(&method("search")), Outcome::Clean);
    assert_eq!(judged(&method("findall")), Outcome::Clean);
    assert_eq!(judged(&method("__class__")), Outcome::Suspicious);
    assert_ne!(made(r"ctorch.nn.functional\nrelu\n"), Outcome::Clean);
    assert_ne!(made(r"cfunctools\npartial\nctorch.nn.functional\nrelu\n\x85R"), Outcome::Clean);
}

#[test]
fn a_pattern_of_axes_is_a_text() {
    let layer = |pattern: &str| {
        judged(&format!(
            r"ceinops.layers.torch\nRearrange\n)\x81}}(\x8c\x07pattern{pattern}\x8c\x0caxes_lengths}}\x8c\x01aK\x02sub"
        ))
    };
    assert_eq!(layer(r"\x8c\x06a -> a"), Outcome::Clean);
    assert_eq!(layer(r"ceasydict\nEasyDict\n)\x81"), Outcome::Suspicious);
}

#[test]
fn a_file_of_its_own_is_written_under_no_name_of_the_state() {
    let text = |text: &str| format!(r"\x8c\x{:02x}{text}", text.len());
    let state = |pairs: &[(&str, &str)]| {
        let items: String = pairs.iter().map(|(key, value)| format!("{}{value}", text(key))).collect();
        format!("}}({items}ub")
    };
    let made = r"csklearn_crfsuite._fileresource\nFileResource\n)\x81";
    let told = |pairs: &[(&str, &str)]| judged(&format!("{made}{}", state(pairs)));
    let model = |key: &str, value: &str| {
        let (prefix, suffix) = (text("model"), text(".crfsuite"));
        let mut pairs = vec![
            ("name", "N"),
            ("auto", r"\x88"),
            ("keep_tempfiles", r"\x89"),
            ("suffix", suffix.as_str()),
            ("prefix", prefix.as_str()),
            ("fd", r"K\x05"),
            ("__FILE_RESOURCE_DATA__", r"C\x01x"),
        ];
        pairs.retain(|(kept, _)| *kept != key);
        pairs.push((key, value));
        told(&pairs)
    };
    let (path, dot) = (text("/etc/cron.d/x"), text(".pth"));
    assert_eq!(model("name", "N"), Outcome::Clean);
    assert_eq!(told(&[("name", &path), ("auto", r"\x89")]), Outcome::Clean);
    // It writes under a prefix, deletes what has its name, or calls what stands in the place of a method.
    assert_eq!(model("prefix", &path), Outcome::Suspicious);
    assert_eq!(model("suffix", &dot), Outcome::Suspicious);
    assert_eq!(model("name", &path), Outcome::Suspicious);
    assert_eq!(model("auto", r"\x89"), Outcome::Suspicious);
    assert_eq!(model("ensure_name", r"cbuiltins\nlist\n"), Outcome::Suspicious);
    assert_eq!(told(&[("name", &path), ("auto", r"\x88")]), Outcome::Suspicious);
    assert_eq!(told(&[("name", &path), ("auto", r"\x88"), ("name", "N")]), Outcome::Suspicious);
    let again = state(&[("name", "N"), ("auto", r"\x88")]);
    assert_eq!(judged(&format!("{made}{again}{again}")), Outcome::Suspicious);
    let called = format!(r"csklearn_crfsuite._fileresource\nFileResource\n{path}\x85R");
    assert_eq!(judged(&called), Outcome::Suspicious);
    assert_eq!(judged(&format!("{made}N{}\\x86b", &again[..again.len() - 1])), Outcome::Suspicious);
}
