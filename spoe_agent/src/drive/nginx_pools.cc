#include "drive/nginx_pools.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <utility>

namespace leastwise::drive {
namespace {

using Json = nlohmann::json;
using sharing::ServerReport;

constexpr int kLeaving = 503, kGone = 404;

constexpr float kNothing = 1 / 32.0F;  // of a request: not worth to be told
constexpr float kMost = 1e6F;          // that control takes

// In so many parts of one: digits beyond are as many bytes more.
double rounded(float x, double parts) { return std::round(std::min(x, kMost) * parts) / parts; }

bool parse_servers(const Json& servers, NginxPool& out) {
  if (!servers.is_object()) return false;
  for (const auto& [address, figures] : servers.items()) {
    if (!figures.is_array() || figures.size() != 2) return false;
    if (!figures[0].is_number() || !figures[1].is_number()) return false;
    if (out.addresses.size() == sharing::kMostServers) break;
    out.addresses.push_back(address);
    out.look.servers.push_back({.server = sharing::hash_of(address),
                                .requests = figures[0].get<float>(),
                                .work = figures[1].get<float>()});
  }
  return true;
}

}  // namespace

bool parse_in_flight(std::string_view text, std::vector<NginxPool>& out) {
  out.clear();
  const Json kinds = Json::parse(text, nullptr, false);
  if (!kinds.is_object()) return false;
  for (const char* kind : {"http", "stream"}) {
    const auto pools = kinds.find(kind);
    if (pools == kinds.end() || !pools->is_object()) return false;
    for (const auto& [name, servers] : pools->items()) {
      NginxPool& pool = out.emplace_back();
      pool.path = std::string(kind) + "/upstreams/" + net::escaped(name);
      pool.look.name = kind == std::string_view("stream") ? "stream/" + name : name;
      if (!parse_servers(servers, pool)) return false;
    }
  }
  return true;
}

std::string elsewhere_json(const std::vector<std::string>& addresses,
                           std::span<const ServerReport> others, std::uint32_t tellers,
                           bool counts) {
  Json servers = Json::object();
  for (std::size_t i = 0; i < std::min(addresses.size(), others.size()); ++i) {
    if (others[i].requests < kNothing) continue;
    servers[addresses[i]] = {rounded(others[i].requests, 100), rounded(others[i].work, 1000)};
  }
  return Json{{"balancers", tellers}, {"count", counts}, {"servers", std::move(servers)}}.dump();
}

net::Answer NginxPools::ask(std::string method, const std::string& path, std::string body) {
  std::optional<net::Answer> answer;
  transfers_.start({.method = std::move(method),
                    .url = "http://localhost/9/" + path,
                    .unix_socket = socket_,
                    .body = std::move(body),
                    .headers = {"Content-Type: application/json"},
                    .timeout = kPatience},
                   [&](const net::Answer& a) { answer = a; });
  while (!answer) transfers_.wait(kPatience);
  if (answer->status == 0) throw std::runtime_error(socket_ + ": " + answer->error);
  return *std::move(answer);
}

std::vector<agent::SharedPools::Look> NginxPools::look() {
  const net::Answer answer = ask("GET", "in_flight");
  if (answer.status != 200) {
    throw std::runtime_error(socket_ + ": 9/in_flight: " + std::to_string(answer.status) +
                             "; expected leastwise_control, of this version, in a location /");
  }
  if (!parse_in_flight(answer.body, pools_)) {
    throw std::runtime_error(socket_ + ": the answer is not that of leastwise_control");
  }
  std::vector<Look> looks;
  for (NginxPool& pool : pools_) looks.push_back(std::move(pool.look));
  return looks;
}

void NginxPools::tell(std::size_t place, std::span<const ServerReport> others,
                      std::uint32_t tellers, TimePoint /*now*/) {
  const NginxPool& pool = pools_[place];
  if (tellers == 0) return;
  const net::Answer answer = ask("PUT", pool.path + "/elsewhere",
                                 elsewhere_json(pool.addresses, others, tellers, counts_));
  // A worker that is about to end, or an upstream that is gone: the next look tells.
  if (answer.status == 200 || answer.status == kLeaving || answer.status == kGone) return;
  throw std::runtime_error(socket_ + ": " + pool.path +
                           "/elsewhere: " + std::to_string(answer.status));
}

}  // namespace leastwise::drive
