# Rscript functions.R OUT: fits models with the packages that come with R, and some that people keep models of, and writes
# each as `saveRDS` does. What functions those packages put into them is told by
#
#     cargo run -p proofhouse-artifact --example r_functions -- OUT/*.rds
#
# whose first columns, digest and model, are `r_functions.csv`. Nothing here writes a function of its own into a model: every
# function that comes out is one of the packages'. Functions that run texts or commands they are given, or that call what
# stands in a model by its name, do not belong into the table and are left out by `EXCEPT` of `r_functions.py`.
out <- commandArgs(TRUE)[1]
dir.create(out, showWarnings = FALSE)
set.seed(1)
keep <- function(name, model) tryCatch(saveRDS(model, file.path(out, paste0(name, ".rds"))), error = function(e) cat(name, conditionMessage(e), "\n"))
with_package <- function(name, code) if (requireNamespace(name, quietly = TRUE)) tryCatch({ suppressMessages(library(name, character.only = TRUE)); eval(code, globalenv()) }, error = function(e) cat(name, conditionMessage(e), "\n"))

for (link in c("logit", "probit", "cauchit", "log", "cloglog")) {
  keep(paste0("stats.binomial.", link), binomial(link))
  keep(paste0("stats.quasibinomial.", link), quasibinomial(link))
}
for (link in c("log", "identity", "sqrt")) {
  keep(paste0("stats.poisson.", link), poisson(link))
  keep(paste0("stats.quasipoisson.", link), quasipoisson(link))
}
for (link in c("identity", "log", "inverse")) {
  keep(paste0("stats.gaussian.", link), gaussian(link))
  keep(paste0("stats.Gamma.", link), Gamma(link))
}
for (link in c("1/mu^2", "inverse", "identity", "log")) keep(paste0("stats.inverse.gaussian.", sub("/", "", link)), inverse.gaussian(link))
for (variance in c("constant", "mu(1-mu)", "mu", "mu^2", "mu^3")) keep(paste0("stats.quasi.", variance), quasi(variance = variance))
keep("stats.power", make.link("sqrt"))
keep("stats.power.link", power(0.3))
keep("stats.quasi.power", quasi(link = power(1/3), variance = "mu^2"))
keep("stats.glm", glm(am ~ wt + hp, binomial, mtcars))
keep("stats.lm", lm(mpg ~ wt + poly(hp, 2), mtcars))
keep("stats.nls", nls(mpg ~ a + b * exp(-wt * k), mtcars, start = list(a = 10, b = 40, k = 0.5)))
keep("stats.nls.port", nls(mpg ~ a + b * exp(-wt * k), mtcars, start = list(a = 10, b = 40, k = 0.5), algorithm = "port"))
keep("stats.nls.plinear", nls(rate ~ conc / (K + conc), Puromycin, subset = state == "treated", start = list(K = 0.05), algorithm = "plinear"))
keep("stats.nls.selfStart", nls(density ~ SSlogis(log(conc), Asym, xmid, scal), subset(DNase, Run == 1)))
for (name in c("SSasymp", "SSasympOff", "SSasympOrig", "SSbiexp", "SSfol", "SSfpl", "SSgompertz", "SSlogis", "SSmicmen", "SSweibull")) keep(paste0("stats.", name), get(name))
keep("stats.loess", loess(dist ~ speed, cars))
keep("stats.splinefun", lapply(c("fmm", "periodic", "natural"), function(m) splinefun(c(1:9, 10), c(1, 3, 2, 5, 4, 2, 3, 6, 7, 1), method = m)))
keep("stats.splinefun.monoH.FC", splinefun(1:10, (1:10)^2, method = "monoH.FC"))
keep("stats.splinefun.hyman", splinefun(1:10, (1:10)^2, method = "hyman"))
keep("stats.approxfun", approxfun(1:10, (1:10)^2))
keep("stats.approxfun.constant", approxfun(1:10, (1:10)^2, method = "constant"))
keep("stats.ecdf", ecdf(rnorm(50)))
keep("stats.stepfun", stepfun(1:3, 0:3))
keep("stats.smooth.spline", smooth.spline(cars$speed, cars$dist))
keep("stats.aov", aov(yield ~ block + N * P * K, npk))
keep("stats.aov.Error", aov(yield ~ N * P * K + Error(block), npk))
keep("stats.kernel", kernel("daniell", 2))
keep("stats.dendrapply", as.dendrogram(hclust(dist(iris[1:20, 1:4]))))
keep("stats.profile", profile(glm(am ~ wt, binomial, mtcars)))
keep("stats.ppr", ppr(mpg ~ wt + hp, data = mtcars, nterms = 1))
keep("stats.arima", arima(lh, order = c(1, 0, 0)))
keep("stats.StructTS", StructTS(log10(UKgas), type = "level"))
keep("stats.na", list(na.omit, na.exclude, na.pass, na.fail))
keep("stats.contrasts", list(contr.treatment, contr.sum, contr.helmert, contr.poly))
keep("base.numbers", list(mean, mean.default, median, sd, var, quantile, scale, scale.default, identity, rowMeans, colMeans))

# Functions that ran some times are compiled anew: the same families in models that were fitted.
fitted_families <- list(binomial("logit"), binomial("probit"), binomial("cauchit"), binomial("cloglog"), quasibinomial("logit"), quasibinomial("probit"))
counts <- list(poisson("log"), poisson("sqrt"), quasipoisson("log"), Gamma("inverse"), Gamma("log"), inverse.gaussian(), gaussian(), gaussian("log"), quasi(), quasi("log", "mu"), quasi(variance = "mu^2"), quasi("identity", "constant"))
for (family in fitted_families) for (round in 1:3) suppressWarnings(keep(paste0("stats.glm.", family$family, ".", family$link, round), tryCatch(glm(am ~ wt, family, mtcars), error = function(e) NULL)))
for (family in counts) for (round in 1:3) suppressWarnings(keep(paste0("stats.glm.", family$family, ".", family$link, round), tryCatch(glm(carb ~ wt, family, mtcars), error = function(e) NULL)))
suppressWarnings(for (round in 1:3) {
  keep(paste0("stats.glm.formula", round), glm(carb ~ wt, poisson, mtcars))
  keep(paste0("stats.glm.cauchit", round), glm(am ~ wt, binomial("cauchit"), mtcars))
  keep(paste0("stats.glm.cloglog", round), glm(am ~ wt, binomial("cloglog"), mtcars))
  keep(paste0("stats.glm.Gamma", round), glm(mpg ~ wt, Gamma("inverse"), mtcars))
  keep(paste0("stats.glm.inverse.gaussian", round), glm(mpg ~ wt, inverse.gaussian, mtcars))
  keep(paste0("stats.glm.quasi", round), glm(mpg ~ wt, quasi(link = "identity", variance = "constant"), data = mtcars))
  keep(paste0("stats.glm.binomial", round), glm(am ~ wt + hp, binomial, mtcars))
})

with_package("rpart", quote({
  keep("rpart.class", rpart(Species ~ ., iris))
  keep("rpart.anova", rpart(mpg ~ ., mtcars))
  keep("rpart.poisson", rpart(carb ~ ., mtcars, method = "poisson"))
  keep("rpart.exp", rpart(survival::Surv(time, status) ~ age + sex, survival::lung))
}))
with_package("nnet", quote({
  keep("nnet.nnet", nnet(Species ~ ., iris, size = 2, trace = FALSE))
  keep("nnet.multinom", multinom(Species ~ ., iris, trace = FALSE))
}))
with_package("MASS", quote({
  keep("MASS.rlm", rlm(stack.loss ~ ., stackloss))
  keep("MASS.rlm.hampel", rlm(stack.loss ~ ., stackloss, psi = psi.hampel, init = "lts"))
  keep("MASS.rlm.bisquare", rlm(stack.loss ~ ., stackloss, psi = psi.bisquare))
  keep("MASS.polr", polr(Sat ~ Infl + Type + Cont, weights = Freq, data = housing))
  for (m in c("probit", "loglog", "cloglog", "cauchit")) keep(paste0("MASS.polr.", m), polr(Sat ~ Infl + Type + Cont, weights = Freq, data = housing, method = m))
  keep("MASS.glm.nb", glm.nb(Days ~ Sex / (Age + Eth * Lrn), data = quine))
  keep("MASS.negative.binomial", list(negative.binomial(2), negative.binomial(2, "identity"), negative.binomial(2, "sqrt")))
  keep("MASS.lda", lda(Species ~ ., iris))
  keep("MASS.qda", qda(Species ~ ., iris))
  keep("MASS.loglm", loglm(~ 1 + 2 + 3, HairEyeColor))
  keep("MASS.boxcox", boxcox(Volume ~ log(Height) + log(Girth), data = trees, plotit = FALSE))
}))
with_package("mgcv", quote({
  keep("mgcv.gam", gam(mpg ~ s(wt) + s(hp), data = mtcars))
  keep("mgcv.gam.binomial", gam(am ~ s(wt, k = 4), family = binomial, data = mtcars))
  keep("mgcv.bam", bam(mpg ~ s(wt), data = mtcars))
  keep("mgcv.gamm", gamm(mpg ~ s(wt), data = mtcars))
  for (f in list(nb(), tw(), betar(), scat(), ziP(), ocat(R = 3), Tweedie(1.5), cox.ph(), multinom(K = 2), gaulss(), ziplss(), gammals(), gumbls())) keep(paste0("mgcv.", gsub("[^A-Za-z]", "", f$family[1])), f)
}))
with_package("nlme", quote({
  keep("nlme.lme", lme(distance ~ age, Orthodont, random = ~ 1 | Subject))
  keep("nlme.gls", gls(follicles ~ sin(2 * pi * Time) + cos(2 * pi * Time), Ovary, correlation = corAR1(form = ~ 1 | Mare)))
  keep("nlme.nlme", nlme(height ~ SSasymp(age, Asym, R0, lrc), data = Loblolly, fixed = Asym + R0 + lrc ~ 1, random = Asym ~ 1, start = c(Asym = 103, R0 = -8.5, lrc = -3.3)))
}))
with_package("survival", quote({
  keep("survival.coxph", coxph(Surv(time, status) ~ age + strata(sex) + pspline(ph.ecog), lung))
  keep("survival.frailty", coxph(Surv(time, status) ~ age + frailty(inst), lung))
  for (d in c("weibull", "exponential", "gaussian", "logistic", "lognormal", "loglogistic")) keep(paste0("survival.survreg.", d), survreg(Surv(futime, fustat) ~ ecog.ps + rx, ovarian, dist = d))
  keep("survival.distributions", survreg.distributions)
}))
with_package("cluster", quote(keep("cluster.agnes", agnes(iris[1:20, 1:4]))))
with_package("boot", quote(keep("boot.boot", boot(mtcars$mpg, mean, 20, stype = "i"))))
with_package("randomForest", quote(keep("randomForest", randomForest(Species ~ ., iris, ntree = 20))))
with_package("e1071", quote({
  keep("e1071.svm", svm(Species ~ ., iris))
  keep("e1071.naiveBayes", naiveBayes(Species ~ ., iris))
  keep("e1071.tune", tune.svm(Species ~ ., data = iris, gamma = 2^(-1:0), cost = 1))
  keep("e1071.lca", lca(matrix(rbinom(200, 1, 0.5), 50), 2))
}))
with_package("glmnet", quote({
  keep("glmnet.glmnet", glmnet(as.matrix(mtcars[, -1]), mtcars$mpg))
  keep("glmnet.cv", cv.glmnet(as.matrix(mtcars[, -1]), mtcars$mpg, nfolds = 4))
  keep("glmnet.family", glmnet(as.matrix(mtcars[, -1]), mtcars$am, family = binomial()))
}))
with_package("gbm", quote(keep("gbm.gbm", gbm(mpg ~ ., data = mtcars, distribution = "gaussian", n.trees = 20, n.minobsinnode = 3))))
with_package("ranger", quote(keep("ranger.ranger", ranger(Species ~ ., iris, num.trees = 10))))
with_package("caret", quote({
  control <- trainControl(method = "cv", number = 3)
  for (m in c("rpart", "rf", "knn", "lda", "svmLinear2", "nnet", "multinom", "naive_bayes", "ranger", "qda", "rpart2", "gbm", "glmnet", "kknn", "C5.0", "svmRadial")) tryCatch(keep(paste0("caret.", m), suppressWarnings(train(Species ~ ., iris, method = m, trControl = control))), error = function(e) cat(m, conditionMessage(e), "\n"))
  for (m in c("lm", "glm", "rf", "rpart", "glmnet", "knn", "gam", "gbm", "ridge", "lasso", "pls", "svmLinear2", "nnet", "bayesglm", "earth", "treebag", "avNNet", "glmStepAIC", "lmStepAIC", "leapForward", "pcr", "ppr", "gamSpline", "cubist", "xgbTree")) tryCatch(keep(paste0("caret.", m, ".regression"), suppressWarnings(train(mpg ~ ., mtcars, method = m, trControl = control))), error = function(e) cat(m, conditionMessage(e), "\n"))
  keep("caret.models", getModelInfo())
  keep("caret.preProcess", preProcess(iris[, 1:4], c("center", "scale", "YeoJohnson")))
  keep("caret.preProcess.more", preProcess(iris[, 1:4], c("pca", "knnImpute")))
  keep("caret.summaries", list(defaultSummary, twoClassSummary, multiClassSummary, prSummary, mnLogLoss, rfFuncs, lmFuncs, treebagFuncs, nbFuncs, ldaFuncs, gamFuncs, caretFuncs, lrFuncs, caretSBF, rfSBF, lmSBF))
  keep("caret.dummyVars", dummyVars(~ ., iris))
}))
with_package("recipes", quote({
  r <- recipe(mpg ~ ., mtcars)
  keep("recipes.prepared", prep(step_pca(step_normalize(r, all_predictors()), all_predictors())))
  keep("recipes.iris", prep(step_dummy(step_impute_mean(recipe(Sepal.Length ~ ., iris), all_numeric_predictors()), all_nominal_predictors())))
}))
