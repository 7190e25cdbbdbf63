#include "haproxy/spoe_config.h"

#include <poll.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "haproxy/runtime_client.h"
#include "leastwise/prompt.h"
#include "leastwise/route.h"
#include "serve/clock.h"

namespace leastwise::agent {
namespace {

constexpr std::size_t kMostArguments = 255;

constexpr const char* kHead =
    R"(# What HAProxy asks the Leastwise agent: leastwise-spoa --haproxy-config
)";

// A request waits no longer than `timeout processing` for the agent. It is not asked while its
// health checks fail (nbsrv); one that passes them and gives no answer is not asked for a second
// (maxerrrate) until 3.1. The last three are ignored since.
constexpr const char* kAgent = R"(
spoe-agent leastwise-agent
    messages leastwise-pick
GROUPS    option var-prefix leastwise
    option set-on-error err
    register-var-names srv srv2
    timeout processing 20ms
    use-backend leastwise_agent
    timeout hello 500ms
    timeout idle 30s
    maxerrrate 10

spoe-message leastwise-pick)";

// Sent by a rule of the backend when the answer of a model server begins.
constexpr const char* kToken = R"(
spoe-message leastwise-token
    args id=var(txn.leastwise.id)

spoe-group leastwise-token
    messages leastwise-token
)";

std::string agent(const SpoeEngine& engine) {
  std::string text = kAgent;
  const char* groups = engine.prompt_points > 0 ? "    groups leastwise-token\n" : "";
  text.replace(text.find("GROUPS"), 6, groups);
  return text;
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

// The body as far as HAProxy has it. One that is shorter than a length is digested whole, which the
// agent sees by `len`.
void add_prompt(std::size_t points, std::vector<std::string>& args) {
  for (const char* arg :
       {"len=req.body_len", "size=req.body_size", "model=req.body,json_query('$.model')",
        "salt=req.body,json_query('$.cache_salt')", "max=req.body,json_query('$.max_tokens','int')",
        "max=req.body,json_query('$.max_completion_tokens','int')"}) {
    args.emplace_back(arg);
  }
  for (std::size_t k = 0; k < points; ++k) {
    args.push_back('d' + std::to_string(k) + "=req.body,bytes(0," +
                   std::to_string(PromptPoints::bytes(k)) + "),xxh64");
  }
}

// The id is HAProxy's own, and in a variable for its log: what the agent says may come too late.
std::vector<std::string> arguments(const SpoeEngine& engine) {
  std::vector<std::string> args = {"id=uuid(),set-var(txn.leastwise.id)",
                                   engine.is_listen ? "backend=fe_name" : "backend=be_name"};
  // Of a path no more than is looked at: a frame has 16 KiB for all arguments.
  if (engine.is_http) {
    args.emplace_back("method=method");
    args.push_back("path=path,bytes(0," + std::to_string(Route::kMostPath) + ')');
  }
  // What waits for any server: it is known of the backend only.
  if (!engine.is_listen) args.emplace_back("queue=queue");
  if (engine.prompt_points > 0) add_prompt(engine.prompt_points, args);
  args.insert(args.end(), engine.args.begin(), engine.args.end());
  if (args.size() > kMostArguments) {
    throw std::runtime_error("engine " + engine.name + ": more than " +
                             std::to_string(kMostArguments) +
                             " arguments, an SPOE message has no room for them; print the file "
                             "without the names of servers: leastwise-spoa --haproxy-config");
  }
  return args;
}

std::string event(const SpoeEngine& engine) {
  std::string text = engine.is_listen ? "on-frontend-" : "on-backend-";
  text += engine.is_http ? "http-request" : "tcp-request";
  text += " if { nbsrv(leastwise_agent) gt 0 }";
  for (const std::string& acl : engine.unless) text += " !" + acl;
  return text;
}

}  // namespace

SpoeEngine spoe_engine(bool is_http, bool is_listen) {
  std::string name = "leastwise";
  if (is_listen) name += "-listen";
  if (!is_http) name += "-tcp";
  return {.name = name, .is_http = is_http, .is_listen = is_listen, .unless = {}, .args = {}};
}

SpoeEngine spoe_engine_of_models(std::size_t prompt_points, bool is_listen) {
  SpoeEngine engine = spoe_engine(true, is_listen);
  engine.name += "-inference";
  engine.prompt_points = prompt_points;
  return engine;
}

std::string spoe_config(std::span<const SpoeEngine> engines) {
  return kHead + spoe_engines(engines);
}

std::string spoe_engines(std::span<const SpoeEngine> engines) {
  std::string text;
  for (const SpoeEngine& engine : engines) {
    text += "\n[" + engine.name + "]\n";
    text += agent(engine);
    text += in_lines(arguments(engine));
    text += "\n    event " + event(engine) + '\n';
    if (engine.prompt_points > 0) text += kToken;
  }
  return text;
}

SpoeEngine spoe_engine_with_names(const BackendInfo& backend) {
  SpoeEngine engine = spoe_engine(backend.is_http, false);
  for (const ServerInfo& s : backend.servers) {
    const std::string server = '(' + backend.name + '/' + s.name + ')';
    engine.args.push_back("c_" + s.name + "=srv_conn" + server);
    if (s.settings.max_conns > 0) engine.args.push_back("q_" + s.name + "=srv_queue" + server);
  }
  return engine;
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
