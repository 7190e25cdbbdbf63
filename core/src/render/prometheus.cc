#include <array>

#include "leastwise/histogram.h"
#include "leastwise/status_page.h"
#include "render/json_text.h"
#include "render/standing.h"

namespace leastwise {
namespace {

// Where objectives lie every second bucket of the histogram is shown, a factor of 1.5 at most from
// one to the next; elsewhere every eighth, a factor of four.
bool is_shown(std::size_t bucket) noexcept {
  constexpr Duration kFrom = std::chrono::microseconds(700), kTo = std::chrono::seconds(70);
  if (bucket % 8 == 7) return true;
  const Duration bound = Histogram::upper_bound(bucket);
  return bucket % 2 == 1 && bound >= kFrom && bound <= kTo;
}

// The lines of one metric for one peer or pool.
struct Lines {
  std::string_view metric, proxy;
  const NamedPool& pool;
  std::string_view peer;  // empty: of the pool
  Text& out;

  Text& open(std::string_view suffix = {}) const noexcept {
    out << metric << suffix << "{proxy=\"";
    out.label(proxy) << "\",upstream=\"";
    out.label(pool.name);
    if (!peer.empty()) open_peer();
    return out << '"';
  }
  // The address, by which other exporters know it too; HAProxy's servers have a name besides.
  void open_peer() const noexcept {
    const std::string_view server = server_of(peer);
    const std::size_t at = proxy == "haproxy" ? server.rfind('@') : std::string_view::npos;
    std::string_view address = server;
    if (at != std::string_view::npos) address.remove_prefix(at + 1);
    out << "\",peer=\"";
    out.label(address);
    if (at == std::string_view::npos) return;
    out << "\",server=\"";
    out.label({server.data(), at});
  }
  template <typename Value>
  void line(Value value) const noexcept {
    open() << "} " << value << '\n';
  }
  void line(std::string_view label, std::string_view is, std::uint64_t value) const noexcept {
    open() << ',' << label << "=\"" << is << "\"} " << value << '\n';
  }
  void sum_and_count(double sum, std::uint64_t count) const noexcept {
    (open("_sum") << "} ").sum(sum) << '\n';
    open("_count") << "} " << count << '\n';
  }
};

void write_results(const Lines& lines, const PeerView& p) noexcept {
  for (std::size_t i = 0; i < kResults; ++i) {
    lines.line("result", name(static_cast<Result>(i)), p.view.results[i]);
  }
}

void write_ejections(const Lines& lines, const PeerView& p) noexcept {
  for (std::size_t i = 1; i < kEjections; ++i) {
    lines.line("reason", name(static_cast<Ejection>(i)), p.view.ejections[i]);
  }
}

void write_reports(const Lines& lines, const PeerView& p) noexcept {
  lines.line("result", "accepted", p.view.reports);
  lines.line("result", "refused", p.view.reports_refused);
}

// Only of peers that report.
void write_utilisation(const Lines& lines, const PeerView& p) noexcept {
  if (p.view.reported_utilisation >= 0) lines.line(double{p.view.reported_utilisation});
}

// Only of peers that are scraped.
void write_scrape_result(const Lines& lines, const PeerView& p) noexcept {
  if (p.view.scrape.is_known) lines.line("result", name(p.view.scrape.last.fault), 1);
}
void write_scrape_age(const Lines& lines, const PeerView& p) noexcept {
  if (p.view.scrape.is_known) lines.line(double{p.view.scrape.age});
}
void write_queued(const Lines& lines, const PeerView& p) noexcept {
  const auto line = [&](std::string_view state, float n) noexcept {
    if (n >= 0) lines.line("state", state, static_cast<std::uint64_t>(n));
  };
  line("waiting", p.view.waiting);
  line("running", p.view.running);
}

void write_probes(const Lines& lines, const PeerView& p) noexcept {
  lines.line("result", "passed", std::uint32_t{p.view.probe.checks - p.view.probe.failures});
  lines.line("result", "failed", p.view.probe.failures);
}

// One line for each reason that there is, so that a reason is found by its label alone.
void write_left_out(const Lines& lines, const PeerView& p) noexcept {
  const Standing now = standing(p.view);
  const bool is_outlier = now.state == "unhealthy" && now.reason != "probe";
  for (const std::string_view reason : {"owner", "probe", "outlier", "max_fails"}) {
    const bool is_it = reason == "outlier" ? is_outlier : now.reason == reason;
    lines.line("reason", reason, std::uint64_t{is_it});
  }
}

// Only of peers that were probed.
void write_probe_result(const Lines& lines, const PeerView& p) noexcept {
  if (p.view.probe.is_known) lines.line("result", name(p.view.probe.last.fault), 1);
}
void write_probe_failures(const Lines& lines, const PeerView& p) noexcept {
  const ProbeView& v = p.view.probe;
  if (v.is_known) lines.line(v.last.passed() ? std::uint32_t{0} : v.in_a_row);
}
void write_probe_age(const Lines& lines, const PeerView& p) noexcept {
  if (p.view.probe.is_known) lines.line(double{p.view.probe.age});
}

// Only under policies that go by demand.
void write_share(const Lines& lines, const PeerView& p) noexcept {
  if (p.share >= 0) lines.line(double{p.share});
}

void write_times(const Lines& lines, const PeerView& p) noexcept {
  std::uint64_t below = 0;
  for (std::size_t b = 0; b < Histogram::kBuckets; ++b) {
    below += lines.pool.pool.histogram_count(p.view.id, b);
    if (!is_shown(b)) continue;
    Text& out = lines.open("_bucket") << ",le=\"";
    if (b + 1 == Histogram::kBuckets) {
      out << "+Inf";
    } else {
      out << double{seconds(Histogram::upper_bound(b))};
    }
    out << "\"} " << below << '\n';
  }
  lines.sum_and_count(p.view.occupied_seconds, below);
}

void write_classes(const Lines& lines, const PeerView& p) noexcept {
  constexpr std::string_view kClasses[] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};
  for (std::size_t i = 0; i < p.view.responses.size(); ++i) {
    lines.line("class", kClasses[i], p.view.responses[i]);
  }
}

void write_state(const Lines& lines, const PeerView& p) noexcept {
  const std::string_view now = standing(p.view).state;
  for (const std::string_view state : kStates) {
    lines.line("state", state, std::uint64_t{state == now});
  }
}

// Only where something is known.
void write_score(const Lines& lines, const PeerView& p) noexcept {
  if (p.view.delay > 0) lines.line(double{p.view.delay});
}

void write_age(const Lines& lines, const PeerView& p) noexcept {
  if (p.view.report_age < 0) return;
  lines.open() << ",source=\"report\"} " << double{p.view.report_age} << '\n';
}

void write_decisions(const Lines& lines, const PoolView& m) noexcept {
  for (std::size_t i = 1; i < kReasons; ++i) {
    lines.line("reason", name(static_cast<Reason>(i)), m.decisions[i]);
  }
}

// Only of pools that only watch.
void write_shadow_picks(const Lines& lines, const PeerView& p) noexcept {
  if (lines.pool.config->observe) lines.line(p.view.shadow_picks);
}
void write_shadow_decisions(const Lines& lines, const PoolView&) noexcept {
  if (!lines.pool.config->observe) return;
  const ShadowView v = lines.pool.pool.shadow({});
  lines.line("choice", "same", v.decisions - v.differ);
  lines.line("choice", "other", v.differ);
}
void write_shadow(const Lines& lines, float ShadowView::Side::*figure) noexcept {
  if (!lines.pool.config->observe) return;
  const ShadowView v = lines.pool.pool.shadow({});
  const auto write = [&](std::string_view choice, float value) noexcept {
    if (value > 0) lines.open() << ",choice=\"" << choice << "\"} " << double{value} << '\n';
  };
  write("current", v.current.*figure);
  write("leastwise", v.leastwise.*figure);
}

using Peer = const PeerView&;
using Model = const PoolView&;

// A metric: of peers, or else of pools.
struct Family {
  std::string_view name, type, labels, help;  // labels: beside those that all have
  void (*peer)(const Lines&, Peer);
  void (*model)(const Lines&, Model) = nullptr;
};

constexpr std::string_view kCounter = "counter", kGauge = "gauge";

constexpr Family kFamilies[] = {
    {"leastwise_peer_requests_total", kCounter, "result", "Attempts that ended, by result.",
     write_results},
    {"leastwise_peer_responses_total", kCounter, "class",
     "Answers by class of status; none: without a status.", write_classes},
    {"leastwise_peer_state", kGauge, "state", "1 for the state that the peer is in, else 0.",
     write_state},
    {"leastwise_ejections_total", kCounter, "reason",
     "How often the peer was left out as an outlier, by reason.", write_ejections},
    {"leastwise_reports_total", kCounter, "result",
     "Load reports of the peer, by whether they could be read.", write_reports},
    {"leastwise_peer_reported_utilisation", kGauge, "",
     "How full the peer says it is, of late; no line when it says nothing.", write_utilisation},
    {"leastwise_peer_reported_requests", kGauge, "state",
     "Requests that wait at the peer and that it works on, by what was scraped of it of late.",
     write_queued},
    {"leastwise_peer_scrape_result", kGauge, "result",
     "1 for what the last scrape of the peer's load found.", write_scrape_result},
    {"leastwise_peer_scrape_age_seconds", kGauge, "",
     "Time since the last scrape of the peer's load ended.", write_scrape_age},
    {"leastwise_signal_age_seconds", kGauge, "source",
     "Time since the peer's last load report; no line when there is none of late.", write_age},
    {"leastwise_peer_share", kGauge, "",
     "Part of the requests that the peer gets by its demand; only under policies that go by it.",
     write_share},
    {"leastwise_peer_score", kGauge, "",
     "Delay in seconds that a mean request is expected to have there now, with what failures, "
     "distance and the toll cost; no line before the pool "
     "has learned.",
     write_score},
    {"leastwise_peer_response_time_seconds", "histogram", "",
     "Time for which requests occupied the peer.", write_times},
    {"leastwise_peer_connect_time_seconds", "summary", "", "Time to connect to the peer.",
     [](const Lines& l, Peer p) { l.sum_and_count(p.view.connect_seconds, p.view.connects); }},
    {"leastwise_peer_first_byte_seconds", "summary", "", "Time to the peer's first byte.",
     [](const Lines& l, Peer p) {
       l.sum_and_count(p.view.first_byte_seconds, p.view.first_bytes);
     }},
    {"leastwise_peer_picks_total", kCounter, "", "Attempts that began.",
     [](const Lines& l, Peer p) { l.line(p.view.picks); }},
    {"leastwise_peer_inflight", kGauge, "", "Attempts in flight.",
     [](const Lines& l, Peer p) { l.line(p.view.in_flight); }},
    {"leastwise_peer_weight", kGauge, "", "Configured weight.",
     [](const Lines& l, Peer p) { l.line(p.view.settings.weight); }},
    {"leastwise_peer_up", kGauge, "", "1 if the peer may be picked.",
     [](const Lines& l, Peer p) { l.line(std::uint32_t{serves(p.view)}); }},
    {"leastwise_peer_left_out", kGauge, "reason",
     "1 if that is why the peer is not up. In a panic those of reason probe are picked all the "
     "same.",
     write_left_out},
    {"leastwise_peer_probes_total", kCounter, "result", "Probes of the peer, by whether it passed.",
     write_probes},
    {"leastwise_peer_probe_result", kGauge, "result",
     "1 for what the last probe of the peer found.", write_probe_result},
    {"leastwise_peer_probe_failures_in_a_row", kGauge, "",
     "Probes of the peer that failed of late.", write_probe_failures},
    {"leastwise_peer_probe_age_seconds", kGauge, "", "Time since the last probe of the peer ended.",
     write_probe_age},
    {"leastwise_peer_warmth", kGauge, "", "Part of its weight that the peer has: slow start.",
     [](const Lines& l, Peer p) { l.line(double{p.view.warmth}); }},
    {"leastwise_peer_local", kGauge, "", "1 if the peer is in the locality, or none is set.",
     [](const Lines& l, Peer p) { l.line(std::uint32_t{(p.view.settings.flags & kRemote) == 0}); }},
    {"leastwise_peer_slowness", kGauge, "", "Seconds of delay per second of predicted work.",
     [](const Lines& l, Peer p) { l.line(double{p.view.slowness}); }},
    {"leastwise_peer_error_share", kGauge, "", "Decayed share of failures.",
     [](const Lines& l, Peer p) { l.line(double{p.view.error_share}); }},
    {"leastwise_peer_toll_seconds", kGauge, "",
     "Part of the peer's score that is there since other balancers use it as well: share_count.",
     [](const Lines& l, Peer p) { l.line(double{p.view.toll}); }},
    {"leastwise_peer_received_bytes_total", kCounter, "", "Bytes received from the peer.",
     [](const Lines& l, Peer p) { l.line(p.view.bytes_received); }},
    {"leastwise_peer_sent_bytes_total", kCounter, "", "Bytes sent to the peer.",
     [](const Lines& l, Peer p) { l.line(p.view.bytes_sent); }},
    {"leastwise_peer_healed_total", kCounter, "", "Attempts given back for processes that died.",
     [](const Lines& l, Peer p) { l.line(p.view.healed); }},
    {"leastwise_peer_forgiven_total", kCounter, "",
     "Failures that were put down to the request, since it failed elsewhere, too.",
     [](const Lines& l, Peer p) { l.line(p.view.forgiven); }},
    {"leastwise_decisions_total", kCounter, "reason",
     "Picks by their reason; policy: the policy's own choice, front_end: the proxy's.", nullptr,
     write_decisions},
    {"leastwise_peer_shadow_picks_total", kCounter, "",
     "Attempts that Leastwise would have sent to the peer; only where it only watches: observe.",
     write_shadow_picks},
    {"leastwise_shadow_decisions_total", kCounter, "choice",
     "Picks by another method, by whether Leastwise would have picked the same peer; only where it "
     "only watches.",
     nullptr, write_shadow_decisions},
    {"leastwise_shadow_mean_seconds", kGauge, "choice",
     "Mean time of an answer in the last five to ten minutes; current: as measured, leastwise: as "
     "expected had it chosen. Only where it only watches; no line where nothing is known.",
     nullptr, [](const Lines& l, Model) { write_shadow(l, &ShadowView::Side::mean); }},
    {"leastwise_shadow_p99_seconds", kGauge, "choice",
     "The same of the time that 99 % of the answers stay below.", nullptr,
     [](const Lines& l, Model) { write_shadow(l, &ShadowView::Side::p99); }},
    {"leastwise_mean_cost_seconds", kGauge, "", "Mean work of a request.", nullptr,
     [](const Lines& l, Model m) { l.line(double{m.mean_cost}); }},
    {"leastwise_fallback", kGauge, "",
     "1 while least_conn chooses since adaptive did worse: switchback.", nullptr,
     [](const Lines& l, Model m) { l.line(m.chooser == Chooser::kFallback ? 1.0 : 0.0); }},
    {"leastwise_panic", kGauge, "",
     "1 while all peers are used since more than half of them fail their probes.", nullptr,
     [](const Lines& l, Model m) { l.line(m.panic ? 1.0 : 0.0); }},
    {"leastwise_others_counted", kGauge, "", "Other balancers by which the toll goes: share_count.",
     nullptr, [](const Lines& l, Model m) { l.line(m.others); }},
    {"leastwise_samples_total", kCounter, "", "Answers that the model learned from.", nullptr,
     [](const Lines& l, Model m) { l.line(m.samples); }},
    {"leastwise_samples_set_aside_total", kCounter, "",
     "Answers of a moment when all servers stood still, which say nothing of any.", nullptr,
     [](const Lines& l, Model m) { l.line(m.samples_set_aside); }},
    {"leastwise_samples_lost_total", kCounter, "", "Answers that came too fast to learn from.",
     nullptr, [](const Lines& l, Model m) { l.line(m.samples_lost); }},
};

constexpr Family kBuildInfo = {"leastwise_build_info", kGauge, "version", "Version of Leastwise.",
                               nullptr};

void write_help(const Family& f, Text& out) noexcept {
  out << "# HELP " << f.name << ' ' << f.help << "\n# TYPE " << f.name << ' ' << f.type << '\n';
}

}  // namespace

// A section for each metric; of its items the first is the help, the rest are peers or pools.
StatusPage::Position StatusPage::write_prometheus(Position at, Text& out) const noexcept {
  if (at.section == std::size(kFamilies)) return {.is_end = true};
  const Family& f = kFamilies[at.section];
  if (at.item == 0) {
    if (at.section == 0) {
      write_help(kBuildInfo, out);
      out << "leastwise_build_info{version=\"" << LEASTWISE_VERSION << "\"} 1\n";
    }
    write_help(f, out);
  } else if (f.peer != nullptr) {
    const PeerView& p = peers_[at.item - 1];
    f.peer({f.name, proxy_, pools_[p.pool], p.view.name, out}, p);
  } else {
    const NamedPool& named = pools_[at.item - 1];
    f.model({f.name, proxy_, named, {}, out}, view_of(named));
  }
  const std::size_t items = f.peer != nullptr ? peers_.size() : pools_.size();
  if (at.item < items) return {.section = at.section, .item = at.item + 1};
  return {.section = at.section + 1};
}

void render_metrics(Text& out) noexcept {
  out << "| metric | type | labels | says |\n|---|---|---|---|\n";
  const auto row = [&](const Family& f, std::string_view usual) noexcept {
    out << "| `" << f.name << "` | " << f.type << " | " << usual;
    if (!f.labels.empty()) out << (usual.empty() ? "" : ", ") << f.labels;
    out << " | " << f.help << " |\n";
  };
  row(kBuildInfo, "");
  for (const Family& f : kFamilies) {
    row(f, f.peer != nullptr ? "proxy, upstream, peer, server" : "proxy, upstream");
  }
}

}  // namespace leastwise
