#include "leastwise/scrape.h"

#include <algorithm>

#include "tune/duration.h"
#include "tune/number.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;
using Figure = ScrapeSettings::Figure;

constexpr std::size_t kMostUri = 1024, kMostTerm = 255;
constexpr std::size_t kMostShown = 60;  // of a word, in a message
constexpr Status::Code kBad = Status::Code::kBadValue;

// Of a probe's parameters those that say how to ask.
constexpr std::string_view kAsking[] = {
    "interval=", "jitter=", "timeout=", "port=", "host=", "sni=", "tls"};
constexpr std::string_view kPresetWord = "preset=";

struct FigureName {
  std::string_view name;
  Figure figure;
};
constexpr FigureName kFigureNames[] = {{"load=", Figure::kLoad},
                                       {"cpu=", Figure::kCpu},
                                       {"memory=", Figure::kMemory},
                                       {"waiting=", Figure::kWaiting},
                                       {"running=", Figure::kRunning}};

// Idle time by all time is right for any number of CPUs. So many that wait are a full server is
// the gateway API inference extension's rule (its queue threshold); a KV cache that is full, too.
#define LEASTWISE_NODE_CPU "1-rate:node_cpu_seconds_total{mode=idle}/rate:node_cpu_seconds_total"
constexpr std::string_view kNodeTerms[] = {
    "cpu=" LEASTWISE_NODE_CPU, "load=" LEASTWISE_NODE_CPU,
    "memory=1-node_memory_MemAvailable_bytes/node_memory_MemTotal_bytes"};
constexpr std::string_view kVllmTerms[] = {
    "memory=max:vllm:kv_cache_usage_perc", "memory=max:vllm:gpu_cache_usage_perc",
    "load=max:vllm:kv_cache_usage_perc",   "load=max:vllm:gpu_cache_usage_perc",
    "load=vllm:num_requests_waiting/5",    "waiting=vllm:num_requests_waiting",
    "running=vllm:num_requests_running"};
constexpr std::string_view kSglangTerms[] = {
    "memory=max:sglang:token_usage", "load=max:sglang:token_usage", "load=sglang:num_queue_reqs/5",
    "waiting=sglang:num_queue_reqs", "running=sglang:num_running_reqs"};
constexpr std::string_view kLlamaTerms[] = {
    "memory=llamacpp:kv_cache_usage_ratio", "load=llamacpp:kv_cache_usage_ratio",
    "load=llamacpp:requests_deferred/5", "waiting=llamacpp:requests_deferred",
    "running=llamacpp:requests_processing"};

struct Preset {
  std::string_view name;
  std::span<const std::string_view> terms;
};
constexpr Preset kPresets[] = {{"node_exporter", kNodeTerms},
                               {"vllm", kVllmTerms},
                               {"sglang", kSglangTerms},
                               {"llamacpp", kLlamaTerms}};
constexpr std::string_view kHostPreset = "node_exporter";
constexpr std::uint16_t kHostPort = 9100;
constexpr std::string_view kHostUri = "/metrics";
// All that it has may be more than is read: only what is used.
constexpr std::string_view kHostUriOfTwo = "/metrics?collect[]=cpu&collect[]=meminfo";

std::string_view first(std::string_view text, std::size_t n) noexcept {
  return {text.data(), std::min(n, text.size())};
}
bool begins(std::string_view text, std::string_view with) noexcept {
  return first(text, with.size()) == with;
}
bool take(std::string_view& text, std::string_view prefix) noexcept {
  if (!begins(text, prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_visible(char c) noexcept { return c > ' ' && c < '\x7f'; }
// JSON has other names than Prometheus, but none with these.
bool is_of_name(char c) noexcept {
  constexpr std::string_view kNot = "{}/=,\"\\";
  return is_visible(c) && kNot.find(c) == kNot.npos;
}

Status refuse(std::string_view what, std::string_view word, std::string_view expected) noexcept {
  return {kBad,
          {what, " \"", first(word, kMostShown), word.size() > kMostShown ? "…" : "",
           "\": expected ", expected}};
}

// "64", "0.5": more than nothing.
bool read_divisor(std::string_view& text, double& out) noexcept {
  constexpr std::size_t kMostDigits = 15;
  double number = 0, unit = 0;
  std::size_t n = 0;
  for (; n < text.size() && n < kMostDigits; ++n) {
    if (text[n] == '.' && unit == 0) {
      unit = 1;
    } else if (is_digit(text[n])) {
      number = 10 * number + (text[n] - '0');
      unit *= 10;
    } else {
      break;
    }
  }
  text.remove_prefix(n);
  if (!(number > 0)) return false;
  out = unit > 0 ? number / unit : number;
  return true;
}

bool are_labels(std::string_view text) noexcept {
  std::string_view name, value;
  while (take_label(text, name, value)) {
  }
  return text.empty();
}

Status set_preset(ScrapeSettings& settings, std::string_view word) noexcept {
  if (!settings.preset.empty()) return refuse("duplicate parameter", word, "one preset");
  std::string_view name = word;
  take(name, kPresetWord);
  const auto* preset = std::ranges::find(kPresets, name, &Preset::name);
  if (preset == std::end(kPresets)) {
    return refuse("invalid parameter", word, "node_exporter, vllm, sglang or llamacpp");
  }
  ScrapeSettings next = settings;
  for (const std::string_view term : preset->terms) {
    if (!next.add_term(term)) return {kBad, "too many figures: expected 12 terms at most"};
  }
  next.preset = name;
  next.is_host = name == kHostPreset;
  settings = next;
  return {};
}

Status set_asking(ScrapeSettings& settings, std::string_view word) noexcept {
  ProbeSettings next = settings.ask;
  const Status s = set(next, word);
  const bool is_rare = s.ok() && next.interval > ScrapeSettings::kMostInterval;
  std::string_view why = s.message();
  if (is_rare || take(why, "invalid parameter \"interval=")) {
    return refuse("invalid parameter", word, "a time from 100ms to 15s, since load is of now");
  }
  if (s.ok()) settings.ask = next;
  return s;
}

Status begin(ScrapeSettings& settings, std::string_view word) noexcept {
  if (word != "scrape") return refuse("invalid value", word, "scrape");
  if (Status s = set(settings.ask, "http"); !s.ok()) return s;
  settings.ask.interval = settings.ask.timeout = 1s;
  return settings.ask.status.parse("200");
}

Status set_uri(ScrapeSettings& settings, std::string_view word) noexcept {
  if (!word.starts_with('/') || word.size() > kMostUri || !std::ranges::all_of(word, is_visible)) {
    return refuse(
        "invalid URI", word,
        "a path behind \"scrape\", as /metrics, of at most 1024 visible ASCII characters");
  }
  settings.ask.uri = word;
  settings.has_uri = true;
  return {};
}

}  // namespace

bool take_label(std::string_view& rest, std::string_view& name, std::string_view& value) noexcept {
  const std::size_t sign = rest.find('=');
  if (sign == rest.npos || sign == 0) return false;
  std::string_view text = rest;
  name = first(text, sign);
  text.remove_prefix(sign + 1);
  const bool is_quoted = take(text, "\"");
  const std::size_t end = std::min(text.find(is_quoted ? '"' : ','), text.size());
  value = first(text, end);
  text.remove_prefix(end);
  if (is_quoted && !take(text, "\"")) return false;
  if (take(text, ",") ? text.empty() : !text.empty()) return false;
  rest = text;
  return true;
}

bool ScrapeSettings::has(Figure figure) const noexcept {
  return std::ranges::find(terms(), figure, &Term::figure) != terms().end();
}

bool ScrapeSettings::read_series(std::string_view& text, std::uint8_t& place) noexcept {
  Series s;
  s.is_rate = take(text, "rate:");
  s.is_max = !s.is_rate && take(text, "max:");
  const auto* end = std::find_if_not(text.begin(), text.end(), is_of_name);
  s.name = first(text, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(s.name.size());
  if (s.name.empty()) return false;
  if (take(text, "{")) {
    const std::size_t close = text.find('}');
    if (close == text.npos) return false;
    s.labels = first(text, close);
    text.remove_prefix(close + 1);
    if (!are_labels(s.labels)) return false;
  }
  const auto known = std::ranges::find(series(), s);
  place = static_cast<std::uint8_t>(known - series().begin());
  if (known == series().end()) series_[series_count_++] = s;
  return true;
}

bool ScrapeSettings::add_term(std::string_view text) noexcept {
  if (text.size() > kMostTerm || term_count_ == kMostTerms) return false;
  ScrapeSettings next = *this;  // series that a broken term began are not left behind
  Term term;
  for (const FigureName& f : kFigureNames) {
    if (take(text, f.name)) {
      term.figure = f.figure;
      break;
    }
  }
  term.is_rest = take(text, "1-");
  if (!next.read_series(text, term.top)) return false;
  if (take(text, "/")) {
    const bool is_number = !text.empty() && (is_digit(text.front()) || text.front() == '.');
    if (is_number ? !read_divisor(text, term.divisor) : !next.read_series(text, term.below)) {
      return false;
    }
  }
  if (!text.empty()) return false;
  next.terms_[next.term_count_++] = term;
  *this = next;
  return true;
}

Status set(ScrapeSettings& settings, std::string_view word) noexcept {
  if (!settings.is_on()) return begin(settings, word);
  if (!settings.has_uri) return set_uri(settings, word);
  for (const std::string_view name : kAsking) {
    if (name.ends_with('=') ? begins(word, name) : word == name) return set_asking(settings, word);
  }
  if (begins(word, kPresetWord)) return set_preset(settings, word);
  if (settings.terms().size() == ScrapeSettings::kMostTerms) {
    return refuse("one METRIC too many,", word, "12 terms at most, those of the preset included");
  }
  if (settings.add_term(word)) return {};
  return refuse("invalid parameter", word,
                "interval=, jitter=, timeout=, port=, host=, tls, sni=, preset=, or a METRIC as "
                "jobs/64, cpu=rate:cpu_seconds/4, 'load=max:use{kind=io}'");
}

Status complete(ScrapeSettings& settings) noexcept {
  if (!settings.has_uri) return {kBad, "expected a path behind \"scrape\", as /metrics"};
  if (settings.terms().empty()) {
    return {kBad,
            "nothing is asked for: expected preset=node_exporter, vllm, sglang or llamacpp, or the "
            "names of figures behind the URI"};
  }
  if (!settings.has(Figure::kLoad) && !settings.has(Figure::kCpu)) {
    return {kBad, "no figure says how full a server is: expected a METRIC of load= or cpu="};
  }
  if (settings.is_host && settings.ask.port == 0) settings.ask.port = kHostPort;
  if (settings.is_host && settings.ask.uri == kHostUri) settings.ask.uri = kHostUriOfTwo;
  return check(settings.ask);
}

}  // namespace leastwise
