// The status as JSON: what the pool remembers of late.
#include "render/json_text.h"

namespace leastwise {
namespace {

// [seconds ago, seconds long, answers, failures, p50 ms, p99 ms]
void render_moment(const MomentView& m, Text& out) noexcept {
  out << '[' << double{m.age} << ',' << double{m.span} << ',' << m.answers << ',' << m.failures
      << ',' << double{m.p50} * kMillisecond << ',' << double{m.p99} * kMillisecond << ']';
}

void render_party(const Pool& pool, const Decision::Party& party, Text& out) noexcept {
  if (party.id == kNoEndpoint) {
    out << "null";
    return;
  }
  out << "{\"server\":\"";
  out.json(server_of(pool.endpoint_name(party.id)))
      << "\",\"in_flight\":" << party.in_flight << ",\"expected_ms\":";
  if (party.delay > 0) {
    out << double{party.delay} * kMillisecond;
  } else {
    out << "null";
  }
  if (party.why != LeftOut::kNot) {
    out << ",\"why\":\"" << name(party.why) << "\",\"figure\":" << double{party.figure};
  }
  out << '}';
}

void render(const Pool& pool, const Decision& d, Text& out) noexcept {
  out << "{\"age_s\":" << double{d.age} << ",\"reason\":\"" << name(d.reason) << "\",\"route\":";
  const RouteView route = pool.route(d.route);
  render_text(route.is_other ? "other" : route.name(), out);
  out << ",\"candidates\":" << d.candidates << ",\"chosen\":";
  render_party(pool, d.chosen, out);
  out << ",\"second\":";
  render_party(pool, d.second, out);
  out << ",\"left_out\":[";
  bool is_first = true;
  for (const Decision::Party& party : d.left_out) {
    if (party.id == kNoEndpoint) continue;
    out << (is_first ? "" : ",");
    render_party(pool, party, out);
    is_first = false;
  }
  out << "]}";
}

}  // namespace

void render_history(const Pool& pool, TimePoint now, Text& out) noexcept {
  constexpr std::size_t kMost = 60;
  out << "\"history\":[";
  MomentView moment;
  for (std::size_t i = 0; i < kMost && pool.moment(i, now, moment); ++i) {
    out << (i == 0 ? "" : ",");
    render_moment(moment, out);
  }
  out << "],\"decisions\":[";
}

std::size_t render_decision(const Pool& pool, std::size_t i, bool is_first, TimePoint now,
                            Text& out) noexcept {
  for (; i < Decision::kShown; ++i) {
    Decision decision;
    if (!pool.decision(i, now, decision)) continue;
    out << (is_first ? "" : ",");
    render(pool, decision, out);
    return i + 1;
  }
  return 0;
}

}  // namespace leastwise
