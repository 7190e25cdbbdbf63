#include "control/answer.h"

namespace leastwise::control {
namespace {

struct Name {
  std::uint32_t setting;
  std::string_view text;
};
constexpr Name kNames[] = {
    {Change::kWeight, "weight"},      {Change::kMaxConns, "max_conns"},
    {Change::kMaxFails, "max_fails"}, {Change::kFailTimeout, "fail_timeout"},
    {Change::kDownFlag, "down"},      {Change::kDrainingFlag, "drain"},
    {Change::kRemoteFlag, "remote"},
};

std::string_view yes(bool b) noexcept { return b ? "true" : "false"; }

// As NGINX Plus has it, in seconds where they are whole.
void render_time(Duration time, Text& out) noexcept {
  const std::int64_t ms = time.count() / 1000;
  if (ms % 1000 == 0) {
    out << ms / 1000 << 's';
  } else {
    out << ms << "ms";
  }
}

void render_own(const Pool& pool, const EndpointView& v, Text& out) noexcept {
  out << "\"leastwise\":{\"changed\":[";
  const std::uint32_t changed = pool.changed(v.id);
  bool first = true;
  for (const Name& name : kNames) {
    if ((changed & name.setting) == 0) continue;
    out << (first ? "\"" : ",\"") << name.text << '"';
    first = false;
  }
  out << "],\"added\":" << yes((v.settings.flags & kAdded) != 0) << ",\"active\":" << v.in_flight
      << ",\"ejected\":\"" << name(v.ejected ? v.ejected_why : Ejection::kNone)
      << "\",\"ejected_for_s\":" << double{v.ejected_for} << '}';
}

}  // namespace

void render(const Refusal& refusal, Text& out) noexcept {
  out << "{\"error\":{\"status\":" << refusal.status << ",\"text\":\"";
  out.json(refusal.text()) << "\",\"code\":\"";
  out.json(refusal.code) << "\"}}\n";
}

void render_server(const Pool& pool, EndpointId id, const Config& config, TimePoint now,
                   Text& out) noexcept {
  const EndpointView v = pool.view(id, config, now);
  const EndpointSettings& s = v.settings;
  out << "{\"id\":" << std::uint64_t{index(id)} << ",\"server\":\"";
  out.json(address_of(v.name)) << "\",\"weight\":" << s.weight << ",\"max_conns\":" << s.max_conns
                               << ",\"max_fails\":" << s.max_fails << ",\"fail_timeout\":\"";
  render_time(s.fail_timeout, out);
  out << "\",\"slow_start\":\"";
  render_time(config.slow_start, out);
  out << "\",\"route\":\"\",\"backup\":" << yes((s.flags & kBackup) != 0)
      << ",\"down\":" << yes((s.flags & kDown) != 0)
      << ",\"drain\":" << yes((s.flags & kDraining) != 0)
      << ",\"remote\":" << yes((s.flags & kRemote) != 0) << ',';
  render_own(pool, v, out);
  out << '}';
}

void render_servers(const Pool& pool, const Config& config, TimePoint now, Text& out) noexcept {
  out << '[';
  bool first = true;
  pool.for_each([&](EndpointId id) noexcept {
    if (!first) out << ",\n";
    first = false;
    render_server(pool, id, config, now, out);
  });
  out << "]\n";
}

std::string_view address_of(std::string_view name) noexcept {
  for (int slashes = 0; slashes < 2; ++slashes) {
    const std::size_t slash = name.find('/');
    if (slash == std::string_view::npos) return name;
    name.remove_prefix(slash + 1);
  }
  return name;
}

void render_settings(const EndpointSettings& settings, Text& out) noexcept {
  out << "weight=" << settings.weight << " max_conns=" << settings.max_conns
      << " max_fails=" << settings.max_fails << " fail_timeout=";
  render_time(settings.fail_timeout, out);
  if ((settings.flags & kBackup) != 0) out << " backup";
  if ((settings.flags & kDown) != 0) out << " down";
  if ((settings.flags & kDraining) != 0) out << " drain";
  if ((settings.flags & kRemote) != 0) out << " remote";
}

}  // namespace leastwise::control
