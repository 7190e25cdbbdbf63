#include <array>

#include "leastwise/status_page.h"
#include "render/json_text.h"
#include "render/shadow.h"
#include "render/standing.h"

namespace leastwise {
namespace {

double mean(double sum, std::uint64_t count) noexcept {
  return count == 0 ? 0 : sum / static_cast<double>(count);
}

std::uint64_t failures(const EndpointView& v) noexcept {
  std::uint64_t n = 0;
  for (std::size_t i = 0; i < kResults; ++i) {
    if (is_failure(static_cast<Result>(i))) n += v.results[i];
  }
  return n;
}

void render_responses(const EndpointView& v, Text& out) noexcept {
  std::uint64_t total = 0;
  out << "\"responses\":{";
  for (std::uint64_t i = 1; i < v.responses.size(); ++i) {
    out << '"' << i << "xx\":" << v.responses[i] << ',';
    total += v.responses[i];
  }
  out << "\"total\":" << total << '}';
}

// null where nothing is known.
void render_figure(std::string_view name, float value, Text& out) noexcept {
  out << '"' << name << "\":";
  if (value < 0) {
    out << "null";
  } else {
    out << double{value};
  }
  out << ',';
}

// null when it was never asked, or is not.
void render_scrape(const ScrapeView& v, const ScrapeSettings& settings, Text& out) noexcept {
  out << "\"scrape\":";
  if (!v.is_known) {
    out << "null";
    return;
  }
  std::array<char, 160> buffer;
  Text text(buffer);
  describe(v.last, settings.ask, text);
  (out << "{\"last\":\"").json(text.view())
      << "\",\"result\":\"" << name(v.last.fault) << "\",\"passed\":" << yes(v.last.passed())
      << ",\"in_a_row\":" << v.in_a_row << ",\"age_s\":" << double{v.age} << '}';
}

void render_report(const EndpointView& v, const ScrapeSettings& scrape, Text& out) noexcept {
  out << "\"report\":{";
  render_figure("utilisation", v.reported_utilisation, out);
  render_figure("cpu", v.reported_cpu, out);
  render_figure("memory", v.reported_memory, out);
  render_figure("waiting", v.waiting, out);
  render_figure("running", v.running, out);
  render_figure("age_s", v.report_age, out);
  out << "\"factor\":" << double{v.report_factor} << ",\"accepted\":" << v.reports
      << ",\"refused\":" << v.reports_refused << ',';
  render_scrape(v.scrape, scrape, out);
  out << "},";
}

// null when it was never probed.
void render_probe(const ProbeView& v, const ProbeSettings& settings, Text& out) noexcept {
  out << "\"probe\":";
  if (!v.is_known) {
    out << "null,";
    return;
  }
  std::array<char, 160> buffer;
  Text text(buffer);
  describe(v.last, settings, text);
  (out << "{\"last\":\"").json(text.view())
      << "\",\"result\":\"" << name(v.last.fault) << "\",\"passed\":" << yes(v.last.passed())
      << ",\"in_a_row\":" << v.in_a_row << ",\"age_s\":" << double{v.age}
      << ",\"checks\":" << v.checks << ",\"failures\":" << v.failures << "},";
}

// The last half to whole minute, or null.
void render_window(const WindowView& w, Text& out) noexcept {
  if (!(w.seconds > 0)) {
    out << "\"window\":null,";
    return;
  }
  out << "\"window\":{\"seconds\":" << double{w.seconds} << ",\"answers\":" << w.answers
      << ",\"failures\":" << w.failures << ",\"p50_ms\":" << double{w.p50} * kMillisecond
      << ",\"p99_ms\":" << double{w.p99} * kMillisecond << ",\"responses\":[";
  for (std::size_t i = 0; i < w.responses.size(); ++i) out << (i == 0 ? "" : ",") << w.responses[i];
  out << "]},";
}

// All that NGINX Plus' API has no word for.
void render_own(const EndpointView& v, float share, const Config& config, Text& out) noexcept {
  out << "\"leastwise\":{";
  const Standing now = standing(v);
  render_probe(v.probe, config.probe, out);
  render_report(v, config.scrape, out);
  render_window(v.window, out);
  render_figure("share", share, out);
  out << "\"order\":" << v.settings.order << ",\"reason\":\"" << now.reason
      << "\",\"for_s\":" << double{now.for_seconds} << ",\"predicted_ms\":";
  if (v.delay > 0) {
    out << double{v.delay} * kMillisecond << ',';
  } else {
    out << "null,";
  }
  out << "\"known\":" << yes(v.known) << ",\"slowness\":" << double{v.slowness}
      << ",\"measured\":" << double{v.measured} << ",\"evidence_s\":" << double{v.evidence}
      << ",\"base_ms\":" << v.base * kMillisecond << ",\"error_share\":" << double{v.error_share}
      << ",\"in_transit\":" << std::uint64_t{v.in_transit} << ",\"held\":" << std::uint64_t{v.held}
      << ",\"elsewhere\":" << std::uint64_t{v.elsewhere}
      << ",\"toll_ms\":" << double{v.toll} * kMillisecond
      << ",\"work_in_flight_ms\":" << v.work_in_flight * kMillisecond << ",\"picks\":" << v.picks
      << ",\"shadow_picks\":" << v.shadow_picks << ",\"healed\":" << v.healed
      << ",\"forgiven\":" << v.forgiven << ",\"ejected\":\"" << name(v.ejected_why)
      << "\",\"demand\":" << double{v.demand}
      << ",\"local\":" << yes((v.settings.flags & kRemote) == 0)
      << ",\"warmth\":" << double{v.warmth} << ",\"ejected_for_s\":" << double{v.ejected_for}
      << ",\"ejections\":{";
  for (std::size_t i = 1; i < kEjections; ++i) {
    out << (i == 1 ? "" : ",") << '"' << name(static_cast<Ejection>(i)) << "\":" << v.ejections[i];
  }
  out << "},\"results\":{";
  for (std::size_t i = 0; i < kResults; ++i) {
    out << (i == 0 ? "" : ",") << '"' << name(static_cast<Result>(i)) << "\":" << v.results[i];
  }
  out << "}}";
}

void render_peer(const EndpointView& v, float share, const Config& config, Text& out) noexcept {
  const std::uint64_t finished = v.picks > v.in_flight ? v.picks - v.in_flight : 0;
  out << "{\"id\":" << std::uint64_t{index(v.id)} << ",\"server\":\"";
  out.json(server_of(v.name)) << "\",\"name\":\"";
  out.json(v.name) << "\",\"backup\":" << yes((v.settings.flags & kBackup) != 0)
                   << ",\"weight\":" << v.settings.weight << ",\"state\":\"" << standing(v).state
                   << "\",\"active\":" << v.in_flight << ",\"max_conns\":" << v.settings.max_conns
                   << ",\"requests\":" << finished << ',';
  render_responses(v, out);
  out << ",\"sent\":" << v.bytes_sent << ",\"received\":" << v.bytes_received
      << ",\"fails\":" << failures(v)
      << ",\"connect_time\":" << mean(v.connect_seconds, v.connects) * kMillisecond
      << ",\"header_time\":" << mean(v.first_byte_seconds, v.first_bytes) * kMillisecond
      << ",\"response_time\":" << mean(v.occupied_seconds, v.occupied) * kMillisecond << ',';
  render_own(v, share, config, out);
  out << '}';
}

void render_model(const PoolView& v, Text& out) noexcept {
  out << "\"model\":{\"learned\":" << yes(v.learned) << ",\"chooser\":\"" << name(v.chooser)
      << "\",\"policy_ms\":" << v.policy_seconds * kMillisecond
      << ",\"least_conn_ms\":" << v.control_seconds * kMillisecond
      << ",\"mean_cost_ms\":" << v.mean_cost * kMillisecond
      << ",\"slowness\":" << double{v.slowness} << ",\"sharing\":" << double{v.sharing}
      << ",\"mean_wait\":" << double{v.mean_wait} << ",\"price\":" << double{v.price}
      << ",\"caution\":" << double{v.caution} << ",\"samples\":" << v.samples
      << ",\"samples_lost\":" << v.samples_lost << ",\"samples_set_aside\":" << v.samples_set_aside
      << ",\"ticks\":" << v.ticks << ",\"panic\":" << yes(v.panic) << ",\"prober\":" << v.prober
      << ",\"others_counted\":" << std::uint64_t{v.others} << ",\"healed\":" << v.healed
      << ",\"processes\":" << std::uint64_t{v.processes}
      << ",\"endpoints\":" << std::uint64_t{v.endpoints}
      << ",\"capacity\":" << std::uint64_t{v.capacity} << ",\"decisions\":{";
  for (std::size_t i = 1; i < kReasons; ++i) {
    out << (i == 1 ? "" : ",") << '"' << name(static_cast<Reason>(i)) << "\":" << v.decisions[i];
  }
  out << "}}";
}

void render_route(const RouteView& v, Text& out) noexcept {
  out << "{\"route\":";
  render_text(v.is_other ? "other" : v.name(), out);
  out << ",\"family\":";
  render_text(v.family_name(), out);
  out << ",\"cost_ms\":";
  if (v.cost > 0) {
    out << double{v.cost} * kMillisecond;
  } else {
    out << "null";
  }
  out << ",\"spread\":" << double{v.spread} << ",\"samples\":" << v.samples << '}';
}

}  // namespace

// What comes before all pools.
void StatusPage::write_frame(Text& out) const noexcept {
  if (format_ == PageFormat::kUpstreams) out << '{';
  if (format_ != PageFormat::kJson) return;
  out << "{\"version\":\"" << LEASTWISE_VERSION << "\",\"proxy\":\"";
  out.json(proxy_) << "\",\"upstreams\":{";
}

// A section for each pool; items are the peers of all. A pool begins with its first peer, or with
// its end when it has none: there its routes are told, of which `route` is the next.
StatusPage::Position StatusPage::write_json(Position at, Text& out) const noexcept {
  if (at.section == 0 && at.item == 0 && at.route == 0 && !at.is_decisions) write_frame(out);
  if (at.section == pools_.size()) {
    out << (format_ == PageFormat::kJson        ? "}}\n"
            : format_ == PageFormat::kUpstreams ? "}\n"
                                                : "\n");
    return {.is_end = true};
  }
  const NamedPool& named = pools_[at.section];
  const bool begins =
      at.route == 0 && !at.is_decisions && (at.item == 0 || peers_[at.item - 1].pool != at.section);
  const bool has_peer = at.item < peers_.size() && peers_[at.item].pool == at.section;
  if (begins) {
    if (format_ != PageFormat::kUpstream) {
      out << (at.section == 0 ? "\"" : ",\"");
      out.json(named.name) << "\":";
    }
    out << "{\"policy\":\"" << named.config->chosen_policy().name << "\",\"peers\":[";
  }
  if (has_peer) {
    out << (begins ? "" : ",");
    const PeerView& peer = peers_[peers_[at.item].in_order];
    render_peer(peer.view, peer.share, *named.config, out);
    return {.section = at.section, .item = at.item + 1};
  }
  if (at.is_decisions) return write_decisions(at, out);
  const std::uint32_t route = named.pool.next_route(at.route);
  if (at.route == 0) out << "],\"routes\":[";
  if (route != Pool::kNoRoute) {
    out << (at.route == 0 ? "" : ",");
    render_route(named.pool.route(route), out);
    return {.section = at.section, .item = at.item, .route = route + 1};
  }
  out << "],";
  render_history(named.pool, now_, out);
  return {.section = at.section, .item = at.item, .is_decisions = true};
}

// What comes after the routes: the next decision, or the end of the pool.
StatusPage::Position StatusPage::write_decisions(Position at, Text& out) const noexcept {
  const Pool& pool = pools_[at.section].pool;
  const std::size_t next = render_decision(pool, at.route, at.route == 0, now_, out);
  if (next != 0) {
    at.route = static_cast<std::uint32_t>(next);
    return at;
  }
  out << "],";
  render_shadow(pools_[at.section], now_, out);
  render_model(view_of(pools_[at.section]), out);
  out << '}';
  return {.section = at.section + 1, .item = at.item};
}

}  // namespace leastwise
