#include "haproxy/spoe_config.h"

#include <poll.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "haproxy/runtime_client.h"
#include "leastwise/route.h"
#include "serve/clock.h"

namespace leastwise::agent {
namespace {

constexpr std::size_t kMostArguments = 255;

constexpr const char* kHead =
    R"(# What HAProxy asks the Leastwise agent, for each request of backend BACKEND.
# Made by: leastwise-spoa --generate-spoe BACKEND
# Make it again whenever servers are added to or taken from the configuration.
[leastwise]

spoe-agent leastwise-agent
    messages leastwise-pick
    option var-prefix leastwise
    option set-on-error err
    register-var-names srv srv2
    # A request waits no longer than this for the agent.
    timeout processing 20ms
    # The next three are ignored since HAProxy 3.1.
    timeout hello 500ms
    timeout idle 30s
    maxerrrate 10
    use-backend leastwise_agent

spoe-message leastwise-pick)";

std::vector<std::string> arguments(const BackendInfo& backend) {
  std::vector<std::string> args = {"id=unique-id", "backend=be_name"};
  // Of a path no more than is looked at: a frame has 16 KiB for all arguments.
  if (backend.is_http) {
    args.emplace_back("method=method");
    args.push_back("path=path,bytes(0," + std::to_string(Route::kMostPath) + ')');
  }
  for (const ServerInfo& s : backend.servers) {
    const std::string server = '(' + backend.name + '/' + s.name + ')';
    args.push_back("c_" + s.name + "=srv_conn" + server);
    if (s.settings.max_conns > 0) args.push_back("q_" + s.name + "=srv_queue" + server);
  }
  return args;
}

// HAProxy reads lines of up to 64 words and 2,047 characters; `args` may be repeated.
std::string in_lines(const std::vector<std::string>& args) {
  constexpr std::size_t kWidth = 100;
  std::string text;
  std::size_t width = kWidth;
  for (const std::string& arg : args) {
    if (width + 1 + arg.size() > kWidth) {
      text += "\n    args";
      width = 8;
    }
    text += ' ' + arg;
    width += 1 + arg.size();
  }
  return text;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

}  // namespace

std::string spoe_config(const BackendInfo& backend) {
  const std::vector<std::string> args = arguments(backend);
  if (args.size() > kMostArguments) {
    throw std::runtime_error("backend " + backend.name +
                             " has more servers than an SPOE message has room for: use "
                             "args id=unique-id backend=be_name alone");
  }
  std::string text = replaced(kHead, "BACKEND", backend.name);
  text += in_lines(args);
  // Both gates: one for an agent that is known to be down, one for an agent that does not answer.
  text += "\n    event ";
  text += backend.is_http ? "on-backend-http-request" : "on-backend-tcp-request";
  text +=
      " if { nbsrv(leastwise_agent) gt 0 } "
      "{ int(1),table_gpc0_rate(leastwise_breaker) lt 10 }\n";
  return text;
}

BackendInfo ask_for_backend(const Address& haproxy_socket, const std::string& name) {
  RuntimeClient client;
  client.ask(haproxy_socket, {name});
  for (const TimePoint end = now() + std::chrono::seconds(3); now() < end;) {
    if (client.poll(now())) throw std::runtime_error(client.error());
    pollfd ready{.fd = client.descriptor(), .events = client.events(), .revents = 0};
    if (::poll(&ready, 1, 100) <= 0) continue;
    const RuntimeClient::Progress progress = client.on_ready(now());
    if (progress == RuntimeClient::Progress::kGoesOn) continue;
    if (progress == RuntimeClient::Progress::kFailed) throw std::runtime_error(client.error());
    const std::vector<BackendInfo> backends = client.take();
    const auto found = std::ranges::find(backends, name, &BackendInfo::name);
    if (found != backends.end()) return *found;
    throw std::runtime_error("HAProxy has no backend " + name + " with servers");
  }
  throw std::runtime_error(haproxy_socket.text + ": no answer in time");
}

}  // namespace leastwise::agent
