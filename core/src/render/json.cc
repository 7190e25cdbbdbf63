#include "leastwise/status_page.h"

namespace leastwise {
namespace {

constexpr double kMillisecond = 1e3;

double mean(double sum, std::uint64_t count) noexcept {
  return count == 0 ? 0 : sum / static_cast<double>(count);
}

std::string_view state_of(const EndpointView& v) noexcept {
  if ((v.settings.flags & kDown) != 0) return "down";
  if ((v.settings.flags & kDraining) != 0) return "draining";
  if (v.ejected) return "unhealthy";
  return v.unavailable ? "unavail" : "up";
}

std::string_view yes(bool b) noexcept { return b ? "true" : "false"; }

// "http/api/10.0.0.1:80" is server 10.0.0.1:80 of the upstream.
std::string_view server_of(std::string_view name) noexcept {
  std::string_view rest = name;
  for (int slashes = 0; slashes < 2; ++slashes) {
    const std::size_t slash = rest.find('/');
    if (slash == std::string_view::npos) return name;
    rest.remove_prefix(slash + 1);
  }
  return rest;
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

void render_report(const EndpointView& v, Text& out) noexcept {
  out << "\"report\":{";
  render_figure("utilisation", v.reported_utilisation, out);
  render_figure("cpu", v.reported_cpu, out);
  render_figure("memory", v.reported_memory, out);
  out << "\"factor\":" << double{v.report_factor} << ",\"accepted\":" << v.reports
      << ",\"refused\":" << v.reports_refused << "},";
}

// All that NGINX Plus' API has no word for.
void render_own(const EndpointView& v, float share, Text& out) noexcept {
  out << "\"leastwise\":{";
  render_report(v, out);
  render_figure("share", share, out);
  out << "\"known\":" << yes(v.known) << ",\"slowness\":" << double{v.slowness}
      << ",\"measured\":" << double{v.measured} << ",\"evidence_s\":" << double{v.evidence}
      << ",\"base_ms\":" << v.base * kMillisecond << ",\"error_share\":" << double{v.error_share}
      << ",\"in_transit\":" << std::uint64_t{v.in_transit} << ",\"held\":" << std::uint64_t{v.held}
      << ",\"work_in_flight_ms\":" << v.work_in_flight * kMillisecond << ",\"picks\":" << v.picks
      << ",\"healed\":" << v.healed << ",\"forgiven\":" << v.forgiven << ",\"ejected\":\""
      << name(v.ejected_why) << "\",\"demand\":" << double{v.demand}
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

void render_peer(const EndpointView& v, float share, Text& out) noexcept {
  const std::uint64_t finished = v.picks > v.in_flight ? v.picks - v.in_flight : 0;
  out << "{\"id\":" << std::uint64_t{index(v.id)} << ",\"server\":\"";
  out.json(server_of(v.name)) << "\",\"name\":\"";
  out.json(v.name) << "\",\"backup\":" << yes((v.settings.flags & kBackup) != 0)
                   << ",\"weight\":" << v.settings.weight << ",\"state\":\"" << state_of(v)
                   << "\",\"active\":" << v.in_flight << ",\"max_conns\":" << v.settings.max_conns
                   << ",\"requests\":" << finished << ',';
  render_responses(v, out);
  out << ",\"sent\":" << v.bytes_sent << ",\"received\":" << v.bytes_received
      << ",\"fails\":" << failures(v)
      << ",\"connect_time\":" << mean(v.connect_seconds, v.connects) * kMillisecond
      << ",\"header_time\":" << mean(v.first_byte_seconds, v.first_bytes) * kMillisecond
      << ",\"response_time\":" << mean(v.occupied_seconds, v.occupied) * kMillisecond << ',';
  render_own(v, share, out);
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
      << ",\"samples_lost\":" << v.samples_lost << ",\"ticks\":" << v.ticks
      << ",\"healed\":" << v.healed << ",\"processes\":" << std::uint64_t{v.processes}
      << ",\"endpoints\":" << std::uint64_t{v.endpoints}
      << ",\"capacity\":" << std::uint64_t{v.capacity} << '}';
}

// A text, or null where there is none.
void render_text(std::string_view text, Text& out) noexcept {
  if (text.empty()) {
    out << "null";
  } else {
    (out << '"').json(text) << '"';
  }
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

// A section for each pool; items are the peers of all. A pool begins with its first peer, or with
// its end when it has none: there its routes are told, of which `route` is the next.
StatusPage::Position StatusPage::write_json(Position at, Text& out) const noexcept {
  if (at.section == 0 && at.item == 0 && at.route == 0) {
    out << "{\"version\":\"" << LEASTWISE_VERSION << "\",\"proxy\":\"";
    out.json(proxy_) << "\",\"upstreams\":{";
  }
  if (at.section == pools_.size()) {
    out << "}}\n";
    return {.is_end = true};
  }
  const NamedPool& named = pools_[at.section];
  const bool begins = at.route == 0 && (at.item == 0 || peers_[at.item - 1].pool != at.section);
  const bool has_peer = at.item < peers_.size() && peers_[at.item].pool == at.section;
  if (begins) {
    out << (at.section == 0 ? "\"" : ",\"");
    out.json(named.name) << "\":{\"policy\":\"" << named.config->chosen_policy().name
                         << "\",\"peers\":[";
  }
  if (has_peer) {
    out << (begins ? "" : ",");
    render_peer(peers_[at.item].view, peers_[at.item].share, out);
    return {.section = at.section, .item = at.item + 1};
  }
  const std::uint32_t route = named.pool.next_route(at.route);
  if (at.route == 0) out << "],\"routes\":[";
  if (route != Pool::kNoRoute) {
    out << (at.route == 0 ? "" : ",");
    render_route(named.pool.route(route), out);
    return {.section = at.section, .item = at.item, .route = route + 1};
  }
  out << "],";
  render_model(named.pool.view(), out);
  out << '}';
  return {.section = at.section + 1, .item = at.item};
}

}  // namespace leastwise
