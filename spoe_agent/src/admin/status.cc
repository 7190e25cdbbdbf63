#include "admin/status.h"

#include <algorithm>
#include <functional>
#include <span>
#include <vector>

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
      {"connections_accepted", "Connections accepted", c.accepted},
      {"connections_refused", "Connections refused for want of room", c.refused},
      {"connections_closed", "Connections closed", c.closed},
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
          {"expired", "Picks finished because no line came in time", c.expired},
          {"late", "Log lines of expired picks", c.late},
          {"early", "Picks whose log line came first", c.early},
          {"elsewhere", "Picks that ran on another server", c.elsewhere},
          {"cancelled", "Picks finished for want of room", c.cancelled},
          {"polls", "Answers of the runtime API", c.polls},
          {"failed_polls", "Failed questions to the runtime API", c.failed_polls}};
}

constexpr std::string_view kOpenHelp = "Picks that wait for their log line";

// Texts know their size only when they are written: once into nothing, once for good.
std::string written(const std::function<void(Text&)>& write) {
  Text probe{std::span<char>()};
  write(probe);
  // What grows between the two runs is digits.
  std::string out(probe.size() + probe.size() / 8 + 256, '\0');
  Text text{std::span<char>(out)};
  write(text);
  out.resize(std::min(text.size(), out.size()));
  return out;
}

std::string page_of(PageFormat format, std::span<const NamedPool> pools, TimePoint now) {
  std::vector<PeerView> peers(StatusPage::peers_of(pools));
  StatusPage page(format, "haproxy", pools, peers, now);
  std::string whole;
  std::string part(2 * StatusPage::kLeastRoom, '\0');
  for (bool more = true; more;) {
    Text text{std::span<char>(part)};
    more = page.render(text);
    whole += text.view();
  }
  return whole;
}

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

void write_agent(const StatusSources& sources, TimePoint now, Text& out) {
  const HaproxyView haproxy = sources.learner.haproxy();
  out << "{\"haproxy\":{\"configured\":" << (haproxy.is_configured ? "true" : "false")
      << ",\"stale\":" << (haproxy.is_stale ? "true" : "false")
      << ",\"age_ms\":" << age_ms(haproxy, now) << ",\"error\":\"";
  out.json(haproxy.error) << "\"},\"picks\":{";
  write_figures(pick_figures(sources.picks), out);
  out << "},\"feedback\":{";
  write_figures(feedback_figures(sources.feedback), out);
  out << ",\"open\":" << sources.feedback.open.get() << "}}";
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

}  // namespace

std::string status_json(const StatusSources& sources, TimePoint now) {
  const Pools pools(sources.registry);
  std::string document = page_of(PageFormat::kJson, pools.named(), now);
  const std::string agent = written([&](Text& out) { write_agent(sources, now, out); });
  return document.insert(1, "\"agent\":" + agent + ',');
}

std::string status_prometheus(const StatusSources& sources, TimePoint now) {
  const Pools pools(sources.registry);
  const HaproxyView haproxy = sources.learner.haproxy();
  return page_of(PageFormat::kPrometheus, pools.named(), now) + written([&](Text& out) {
           write_metrics("picks", pick_figures(sources.picks), out);
           write_metrics("feedback", feedback_figures(sources.feedback), out);
           write_gauge("feedback_open", kOpenHelp, sources.feedback.open.get(), out);
           write_gauge("haproxy_stale", "1 while HAProxy's runtime API gives no answer",
                       haproxy.is_stale ? 1 : 0, out);
         });
}

}  // namespace leastwise::agent
