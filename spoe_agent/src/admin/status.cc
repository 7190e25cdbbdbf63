#include "admin/status.h"

#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "admin/written.h"
#include "leastwise/status_page.h"

namespace leastwise::agent {
namespace {

struct Figure {
  std::string_view name;
  std::string_view help;
  const Counter& counter;
};

std::vector<Figure> pick_figures(const PickCounters& c) {
  return {
      {"asked", "Questions of HAProxy", c.asked},
      {"picked", "Questions answered with a server", c.picked},
      {"unknown_backend", "Questions about a backend that is not configured", c.unknown_backend},
      {"no_server", "Questions while no server may be picked", c.no_server},
      {"busy", "Questions while the list of servers was replaced", c.busy},
      {"outdated", "Questions that had waited for too long", c.outdated},
      {"not_understood", "NOTIFY frames without a pick message", c.not_understood},
      {"untracked", "Picks whose outcome can not be learned", c.untracked},
      {"connections_accepted", "Connections accepted", c.connections.accepted},
      {"connections_refused", "Connections refused for want of descriptors or memory",
       c.connections.refused},
      {"connections_evicted", "Idle connections closed to make room", c.connections.evicted},
      {"connections_closed", "Connections closed", c.connections.closed},
      {"health_checks", "Health checks answered", c.health_checks},
      {"protocol_errors", "Connections closed for breaking the protocol", c.protocol_errors}};
}

std::vector<Figure> feedback_figures(const FeedbackCounters& c) {
  return {{"lines", "Log lines understood", c.lines},
          {"garbled", "Log lines of ours that were not understood", c.garbled},
          {"foreign", "Log lines without the magic word", c.foreign},
          {"lost", "Log lines dropped by the kernel", c.lost},
          {"unknown", "Log lines of requests not asked about", c.unknown},
          {"opened", "Picks taken over", c.opened},
          {"by_log", "Picks finished by their log line", c.by_log},
          {"tokens", "Picks whose first token was told (policy inference)", c.tokens},
          {"expired", "Picks finished because no line came in time", c.expired},
          {"late", "Log lines of expired picks", c.late},
          {"early", "Picks whose log line came first", c.early},
          {"as_picked", "Requests that ran on the picked server", c.as_picked},
          {"elsewhere", "Picks that ran on another server", c.elsewhere},
          {"cancelled", "Picks finished for want of room", c.cancelled},
          {"polls", "Answers of the runtime API", c.polls},
          {"failed_polls", "Failed questions to the runtime API", c.failed_polls},
          {"restarts", "Restarts and reloads of HAProxy noticed", c.restarts},
          {"duplicates", "Picks whose id another request still had", c.duplicates},
          {"weights_told", "Weights that HAProxy was told (mode weights)", c.weights_told},
          {"weights_refused", "Weights that HAProxy refused", c.weights_refused}};
}

std::vector<Figure> share_figures(const ShareCounters& c) {
  return {
      {"told", "Reports to other balancers written to Redis", c.told},
      {"heard", "Reports of other balancers read there", c.heard},
      {"refused", "Values there that are no reports", c.refused},
      {"errors", "Connections to Redis lost or not made, and errors that it answered", c.errors},
      {"bytes", "Bytes sent to Redis and received", c.bytes}};
}

constexpr std::string_view kShareConnectedHelp = "1 while connected to Redis (share)";
constexpr std::string_view kShareTellersHelp =
    "Other balancers that are heard, of the backend that has the most";
constexpr std::string_view kDecidedHelp =
    "Requests that HAProxy told the end of, by who chose their server: leastwise, or proxy, which "
    "was not asked, had no answer in time or used another server";
constexpr std::string_view kStaleHelp = "1 while HAProxy's runtime API gives no answer";
constexpr std::string_view kWarningHelp =
    "1 while learning fails in that way; the log and the status have the cause and what to do";
constexpr std::string_view kSteeredHelp =
    "What a server gets of its configured share, beside the others (mode weights)";
constexpr std::string_view kOpenHelp = "Picks that wait for their log line";

class Pools {
 public:
  explicit Pools(const Registry& registry) : snapshots_(registry.pools()) {
    for (const Registry::Snapshot& s : snapshots_) named_.push_back({s.name, &s.config, s.pool});
  }
  std::span<const NamedPool> named() const noexcept { return named_; }

 private:
  std::vector<Registry::Snapshot> snapshots_;
  std::vector<NamedPool> named_;
};

std::int64_t age_ms(const HaproxyView& view, TimePoint now) noexcept {
  if (view.last_answer == TimePoint{}) return -1;
  return (now - view.last_answer) / std::chrono::milliseconds(1);
}

void write_figures(const std::vector<Figure>& figures, Text& out) {
  bool first = true;
  for (const Figure& f : figures) {
    out << (first ? "\"" : ",\"") << f.name << "\":" << f.counter.get();
    first = false;
  }
}

// "decided":{"by_leastwise":930,"by_proxy":70,"percent":93.0}
void write_decided_json(const StatusSources& sources, Text& out) {
  const FeedbackCounters& c = sources.feedback;
  const std::uint64_t own = c.as_picked.get();
  const std::uint64_t proxy = c.elsewhere.get() + c.unknown.get();
  const std::uint64_t tenths = own + proxy > 0 ? own * 1000 / (own + proxy) : 0;
  out << "\"decided\":{\"by_leastwise\":" << own << ",\"by_proxy\":" << proxy
      << ",\"unanswered\":" << sources.picks.asked.get() - sources.picks.picked.get()
      << ",\"percent\":" << tenths / 10 << '.' << tenths % 10 << '}';
}

// Learning is well without, so it has no part in leastwise_agent_learning_warning.
constexpr const char* kNotShared = "not_shared";

std::vector<LearningWatch::Warning> all_warnings(const StatusSources& sources) {
  std::vector<LearningWatch::Warning> all = sources.learner.warnings();
  const std::string error = sources.share_error ? sources.share_error() : "";
  if (!error.empty()) all.push_back({kNotShared, error + "; balancing goes on without"});
  return all;
}

void write_warnings(const StatusSources& sources, Text& out) {
  out << "\"warnings\":[";
  std::string_view comma;
  for (const LearningWatch::Warning& w : all_warnings(sources)) {
    out << std::exchange(comma, ",") << "{\"name\":\"" << w.name << "\",\"text\":\"";
    out.json(w.text) << "\"}";
  }
  out << ']';
}

void write_weights(const StatusSources& sources, Text& out) {
  out << "\"weights\":{";
  std::string_view comma;
  for (const WeightsMode::View& backend : sources.learner.weights().view()) {
    out << std::exchange(comma, ",") << '"' << backend.backend << "\":[";
    std::string_view inner;
    for (const Steering::View& s : backend.servers) {
      out << std::exchange(inner, ",") << "{\"server\":\"";
      out.json(s.server) << "\",\"weight\":" << std::uint64_t{s.weight}
                         << ",\"configured\":" << std::uint64_t{s.configured}
                         << ",\"factor\":" << s.factor << ",\"answer_ms\":" << s.answer_ms
                         << ",\"failure_share\":" << s.failures << '}';
    }
    out << ']';
  }
  out << '}';
}

void write_agent(const StatusSources& sources, TimePoint now, Text& out) {
  const HaproxyView haproxy = sources.learner.haproxy();
  out << "{\"haproxy\":{\"configured\":" << (haproxy.is_configured ? "true" : "false")
      << ",\"stale\":" << (haproxy.is_stale ? "true" : "false")
      << ",\"age_ms\":" << age_ms(haproxy, now) << ",\"pid\":" << haproxy.pid << ",\"error\":\"";
  out.json(haproxy.error) << "\"},";
  write_decided_json(sources, out);
  out << ',';
  write_warnings(sources, out);
  out << ',';
  write_weights(sources, out);
  out << ",\"picks\":{";
  write_figures(pick_figures(sources.picks), out);
  out << "},\"feedback\":{";
  write_figures(feedback_figures(sources.feedback), out);
  out << ",\"open\":" << sources.feedback.open.get() << '}';
  if (sources.share != nullptr) {
    out << ",\"share\":{";
    write_figures(share_figures(*sources.share), out);
    out << ",\"connected\":" << (sources.share->connected.get() != 0 ? "true" : "false")
        << ",\"tellers\":" << sources.share->tellers.get() << '}';
  }
  out << '}';
}

void write_metrics(std::string_view part, const std::vector<Figure>& figures, Text& out) {
  for (const Figure& f : figures) {
    for (const std::string_view word : {"# HELP ", "# TYPE "}) {
      out << word << "leastwise_agent_" << part << '_' << f.name << "_total "
          << (word == "# HELP " ? f.help : std::string_view("counter")) << '\n';
    }
    out << "leastwise_agent_" << part << '_' << f.name << "_total " << f.counter.get() << '\n';
  }
}

void write_gauge(std::string_view name, std::string_view help, std::uint64_t value, Text& out) {
  out << "# HELP leastwise_agent_" << name << ' ' << help << "\n# TYPE leastwise_agent_" << name
      << " gauge\nleastwise_agent_" << name << ' ' << value << '\n';
}

void write_decided(const FeedbackCounters& c, Text& out) {
  constexpr std::string_view kName = "leastwise_agent_decided_total";
  out << "# HELP " << kName << ' ' << kDecidedHelp << "\n# TYPE " << kName << " counter\n"
      << kName << "{by=\"leastwise\"} " << c.as_picked.get() << '\n'
      << kName << "{by=\"proxy\"} " << c.elsewhere.get() + c.unknown.get() << '\n';
}

void write_warning_gauges(const StatusSources& sources, Text& out) {
  constexpr std::string_view kName = "leastwise_agent_learning_warning";
  const std::vector<LearningWatch::Warning> now = sources.learner.warnings();
  out << "# HELP " << kName << ' ' << kWarningHelp << "\n# TYPE " << kName << " gauge\n";
  for (const std::string_view name : LearningWatch::kNames) {
    const bool is_on = std::ranges::find(now, name, &LearningWatch::Warning::name) != now.end();
    out << kName << "{about=\"" << name << "\"} " << (is_on ? "1" : "0") << '\n';
  }
}

void write_steered(const StatusSources& sources, Text& out) {
  constexpr std::string_view kName = "leastwise_agent_weight_factor";
  out << "# HELP " << kName << ' ' << kSteeredHelp << "\n# TYPE " << kName << " gauge\n";
  for (const WeightsMode::View& backend : sources.learner.weights().view()) {
    for (const Steering::View& s : backend.servers) {
      out << kName << "{upstream=\"";
      out.label(backend.backend) << "\",server=\"";
      out.label(s.server) << "\"} " << s.factor << '\n';
    }
  }
}

class StatusParts final : public Parts {
 public:
  // `first` takes the place of the first `replaced` characters, `last` comes at the end.
  StatusParts(const StatusSources& sources, PageFormat format, std::string first,
              std::size_t replaced, std::string last, TimePoint now)
      : pools_(sources.registry),
        peers_(StatusPage::peers_of(pools_.named())),
        page_(format, "haproxy", pools_.named(), peers_, now),
        first_(std::move(first)),
        replaced_(replaced),
        last_(std::move(last)),
        buffer_(StatusPage::kLeastRoom, '\0') {}

  bool next(std::string& out) override {
    Text text{std::span<char>(buffer_)};
    const bool has_more = page_.render(text);
    out += std::exchange(first_, {});
    out += text.view().substr(std::exchange(replaced_, 0));
    if (!has_more) out += last_;
    return has_more;
  }

 private:
  Pools pools_;
  std::vector<PeerView> peers_;
  StatusPage page_;
  std::string first_;
  std::size_t replaced_;
  std::string last_;
  std::string buffer_;
};

}  // namespace

std::unique_ptr<Parts> status_json(const StatusSources& sources, TimePoint now) {
  std::string agent = written([&](Text& out) {
    out << "{\"agent\":";
    write_agent(sources, now, out);
    out << ',';
  });
  return std::make_unique<StatusParts>(sources, PageFormat::kJson, std::move(agent), 1, "", now);
}

std::unique_ptr<Parts> status_prometheus(const StatusSources& sources, TimePoint now) {
  const HaproxyView haproxy = sources.learner.haproxy();
  std::string agent = written([&](Text& out) {
    write_metrics("picks", pick_figures(sources.picks), out);
    write_metrics("feedback", feedback_figures(sources.feedback), out);
    write_gauge("feedback_open", kOpenHelp, sources.feedback.open.get(), out);
    write_gauge("haproxy_stale", kStaleHelp, haproxy.is_stale ? 1 : 0, out);
    write_decided(sources.feedback, out);
    write_warning_gauges(sources, out);
    if (sources.share != nullptr) {
      write_metrics("share", share_figures(*sources.share), out);
      write_gauge("share_connected", kShareConnectedHelp, sources.share->connected.get(), out);
      write_gauge("share_tellers", kShareTellersHelp, sources.share->tellers.get(), out);
    }
    write_steered(sources, out);
  });
  return std::make_unique<StatusParts>(sources, PageFormat::kPrometheus, "", 0, std::move(agent),
                                       now);
}

void render_agent_metrics(Text& out) {
  const PickCounters picks;
  const FeedbackCounters feedback;
  const ShareCounters share;
  out << "| metric | type | labels | says |\n|---|---|---|---|\n";
  const auto rows = [&](std::string_view part, const std::vector<Figure>& figures) {
    for (const Figure& f : figures) {
      out << "| `leastwise_agent_" << part << '_' << f.name << "_total` | counter | | " << f.help
          << " |\n";
    }
  };
  rows("picks", pick_figures(picks));
  rows("feedback", feedback_figures(feedback));
  rows("share", share_figures(share));
  out << "| `leastwise_agent_decided_total` | counter | by | " << kDecidedHelp << " |\n"
      << "| `leastwise_agent_feedback_open` | gauge | | " << kOpenHelp << " |\n"
      << "| `leastwise_agent_haproxy_stale` | gauge | | " << kStaleHelp << " |\n"
      << "| `leastwise_agent_learning_warning` | gauge | about | " << kWarningHelp << " |\n"
      << "| `leastwise_agent_share_connected` | gauge | | " << kShareConnectedHelp << " |\n"
      << "| `leastwise_agent_share_tellers` | gauge | | " << kShareTellersHelp << " |\n"
      << "| `leastwise_agent_weight_factor` | gauge | upstream, server | " << kSteeredHelp
      << " |\n";
}

}  // namespace leastwise::agent
