#include "haproxy/adoption.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "haproxy/adopted.h"
#include "haproxy/adoption_frontend.h"
#include "haproxy/adoption_models.h"
#include "haproxy/persistence.h"
#include "haproxy/spoe_config.h"

namespace leastwise::agent {
namespace {

using Lines = std::vector<std::string>;

constexpr const char* kAgentBackend = R"(
# Apart from your own defaults, which may not suit it. Keep these two at the very end.
defaults leastwise
    mode tcp
    timeout connect 100ms
    timeout server 60s

backend leastwise_agent from leastwise
MODE    option spop-check
    timeout check 50ms
    server agent AGENT check inter 200ms fall 2 rise 1
)";

std::size_t servers(const HaproxySection& section) {
  std::size_t n = 0;
  for (const HaproxyLine& line : section.lines) {
    if (line.begins({"server"})) ++n;
    if (line.begins({"server-template"})) n += 2;
  }
  return n;
}

class Adoption {
 public:
  Adoption(const std::vector<HaproxySection>& file, const AdoptionRequest& request)
      : file_(file), request_(request) {
    for (const HaproxySection& section : file_) {
      if (section.kind == "global") {
        global_.insert(global_.end(), section.lines.begin(), section.lines.end());
      }
    }
    choose();
  }

  std::string text() {
    std::string sections = proxies();
    std::string out =
        "#### " + request_.haproxy_file + ": lines for these sections, at their end\n";
    out += sections;
    std::string own = log_profiles(request_.version, has_http_ && !has("log-profile", "leastwise"),
                                   has_tcp_ && !has("log-profile", "leastwise-tcp"));
    if (!has("backend", "leastwise_agent")) own += agent_backend();
    if (!own.empty()) out += "\n#### " + request_.haproxy_file + ": new, at its end\n" + own;
    return out + spoe_file() + agent_file();
  }

 private:
  bool has(std::string_view kind, std::string_view name) const {
    return std::ranges::any_of(file_, [&](const HaproxySection& section) {
      return section.kind == kind && section.name == name;
    });
  }

  void choose() {
    for (const std::string& name : request_.backends) {
      const auto found = std::ranges::find_if(file_, [&](const HaproxySection& section) {
        return section.balances() && section.name == name;
      });
      if (found == file_.end()) {
        throw std::runtime_error(request_.haproxy_file + " has no backend \"" + name +
                                 "\" and no listen of that name");
      }
      chosen_.push_back(&*found);
    }
    if (!request_.backends.empty()) return;
    for (const HaproxySection& section : file_) {
      if (section.balances() && servers(section) >= 2) chosen_.push_back(&section);
    }
    if (chosen_.empty()) {
      throw std::runtime_error(request_.haproxy_file + " has no backend with two servers");
    }
  }

  bool is_chosen(std::string_view name) const {
    return std::ranges::find(chosen_, name, [](const HaproxySection* s) -> std::string_view {
             return s->name;
           }) != chosen_.end();
  }

  bool is_models(const HaproxySection& section) const {
    return section.is_http() && is_chosen(section.name) &&
           is_of_models(request_.agent, section.name);
  }
  bool has_models() const {
    return std::ranges::any_of(chosen_, [&](const auto* s) { return is_models(*s); });
  }

  bool leads_to_chosen(const HaproxySection& section) const {
    return leads_to(section, [&](std::string_view name) { return is_chosen(name); });
  }
  bool leads_to_models(const HaproxySection& section) const {
    return has_models() && leads_to(section, [&](std::string_view name) {
             return is_chosen(name) && is_of_models(request_.agent, name);
           });
  }

  // By a rule that names it, or one that may name any.
  template <typename Is>
  bool leads_to(const HaproxySection& section, Is is) const {
    if (section.kind == "listen" && is(section.name)) return true;
    const auto leads = [&](const HaproxyLine& line) {
      if (!line.begins({"use_backend"}) && !line.begins({"default_backend"})) return false;
      return is(line.word(1)) || line.word(1).starts_with('%');
    };
    return section.accepts() && (std::ranges::any_of(section.lines, leads) ||
                                 std::ranges::any_of(section.defaults, leads));
  }

  std::string proxies() {
    std::string out = global_lines();
    for (const HaproxySection& section : file_) {
      Lines lines;
      const bool leads = leads_to_chosen(section);
      const bool balances = section.balances() && is_chosen(section.name);
      if (leads) {
        lines = frontend_lines(section, global_, request_.version, feedback());
        if (leads_to_models(section) && !is_models(section) &&
            section.find({"option", "http-no-delay"}) == nullptr) {
          lines.emplace_back("option http-no-delay");
        }
        if (uses_log_profile(section, request_.version)) {
          (section.is_http() ? has_http_ : has_tcp_) = true;
        }
      }
      if (balances) add_backend(section, lines);
      if (lines.empty()) {
        if (leads || balances) {
          out += "# " + section.kind + ' ' + section.name + ": has its lines already\n";
        }
        continue;
      }
      out += section.kind + ' ' + section.name + '\n';
      for (const std::string& line : lines) out += "    " + line + '\n';
    }
    return out;
  }

  std::string global_lines() const {
    std::string lines;
    if (std::ranges::none_of(global_, [](const auto& l) {
          return l.begins({"stats", "socket"});
        })) {
      lines += "    stats socket " + runtime_socket() + " mode 660 level user\n";
    }
    if (has_models() && buffer_size(global_) == 0) {
      lines += "    tune.bufsize " + std::to_string(kBufferForPrompts) + '\n';
    }
    return lines.empty() ? lines : "global\n" + lines;
  }

  void add_backend(const HaproxySection& section, Lines& lines) {
    const Persistence persistence = persistence_of(section);
    const HaproxyLine* filter = our_filter(section);
    const std::string engine = engine_for(section, persistence, filter);
    if (filter == nullptr) {
      lines.push_back("filter spoe engine " + engine + " config " + request_.spoe_file);
    }
    for (const std::string variable : {"txn.leastwise.srv", "txn.leastwise.srv2"}) {
      const std::string name = "var(" + variable + ')';
      const std::string server = "%[" + name + ']';
      if (has_line(section, {"use-server", server})) continue;
      lines.push_back("use-server " + server + " if { " + name + " -m found }");
    }
    if (!persistence.cookie_line.empty()) {
      if (section.find_own({"cookie"}) != nullptr) {
        lines.push_back("# instead of: " + persistence.old_cookie_line->text);
      }
      lines.push_back(persistence.cookie_line);
    }
    // A request whose server was named counts as bound to it: without this HAProxy tries a server
    // that refuses for three seconds, and then gives up, where `balance roundrobin` goes on at
    // once.
    const bool is_set = section.find({"option", "redispatch"}) != nullptr ||
                        section.find_own({"no", "option", "redispatch"}) != nullptr;
    if (!is_set && !persistence.is_any()) lines.emplace_back("option redispatch 1");
    if (is_models(section)) {
      for (std::string& line : model_lines(section, engine)) lines.push_back(std::move(line));
    }
    if (section.is_http()) add_answer(section, lines);
    if (filter == nullptr) add_notes(section, lines);
    if (has_our_defaults(section)) {
      lines.emplace_back(
          "# note: this section stands behind \"defaults leastwise\" and has its settings, among "
          "them \"mode tcp\": move it before that one, and print this again");
    }
  }

  // As one has that was put at the end of the file.
  bool has_our_defaults(const HaproxySection& section) const {
    const auto ours = std::ranges::find_if(file_, [](const HaproxySection& other) {
      return other.kind == "defaults" && other.name == "leastwise";
    });
    return ours != file_.end() && !ours->lines.empty() &&
           std::ranges::equal(section.defaults, ours->lines, {}, &HaproxyLine::text,
                              &HaproxyLine::text);
  }

  // What the log shall say of the answer: its headers are gone when it is written.
  void add_answer(const HaproxySection& section, Lines& lines) const {
    std::string fields =
        "grpc=%[res.hdr(grpc-status),bytes(0,8)] len=%[res.hdr(content-length),bytes(0,20)]";
    const bool has_reports = listens_to_reports(section.name);
    if (has_reports) {
      fields +=
          " report=%[res.fhdr(endpoint-load-metrics),base64] "
          "bin=%[res.fhdr(endpoint-load-metrics-bin),base64]";
    }
    const std::string_view set = "set-var-fmt(txn.leastwise.more)";
    const HaproxyLine* old = section.find_own({"http-response", set});
    const bool knows_reports = old != nullptr && old->word(2).find("report=") != std::string::npos;
    if (old == nullptr || (has_reports && !knows_reports)) {
      if (old != nullptr) lines.push_back("# instead of: " + old->text);
      lines.push_back("http-response " + std::string(set) + " \"" + fields + '"');
    }
    const bool deletes =
        has_line(section, {"http-response", "del-header", "endpoint-load-metrics"});
    if (has_reports && !deletes) {
      lines.emplace_back("http-response del-header endpoint-load-metrics -m beg");
    }
  }

  bool listens_to_reports(std::string_view name) const {
    if (request_.agent == nullptr) return false;
    const auto& backends = request_.agent->backends;
    const auto found = std::ranges::find(backends, name, &BackendConfig::name);
    return found != backends.end() && found->settings.report.is_on();
  }

  static void add_notes(const HaproxySection& section, Lines& lines) {
    const HaproxyLine* balance = section.find({"balance"});
    if (balance == nullptr) return;
    const std::string_view kind = balance->word(1).substr(0, balance->word(1).find('('));
    for (const std::string_view bound :
         {"source", "uri", "url_param", "hdr", "rdp-cookie", "hash", "first", "static-rr"}) {
      if (kind != bound) continue;
      lines.push_back("# note: \"" + balance->text +
                      "\" chooses servers for a reason of its own, which Leastwise does not know: "
                      "leave this section as it was if you rely on that");
    }
  }

  // Its name. A filter that is there may name another one, which is left as it is.
  std::string engine_for(const HaproxySection& section, const Persistence& persistence,
                         const HaproxyLine* filter) {
    const bool is_listen = section.kind == "listen";
    SpoeEngine engine = spoe_engine(section.is_http(), is_listen);
    if (is_models(section)) {
      const std::size_t buffer = buffer_size(global_);
      engine =
          spoe_engine_of_models(prompt_points(buffer != 0 ? buffer : kBufferForPrompts), is_listen);
    }
    engine.unless = persistence.has_server;
    if (persistence.is_any()) {
      engine.name = section.name.starts_with("leastwise") ? "of-" + section.name : section.name;
    }
    const bool is_asked_for = filter == nullptr || engine_of(*filter) == engine.name;
    const bool is_there = std::ranges::find(known_engines_, engine.name) != known_engines_.end() ||
                          std::ranges::find(engines_, engine) != engines_.end();
    if (is_asked_for && !is_there) engines_.push_back(engine);
    return engine.name;
  }

  bool has_chroot() const {
    return std::ranges::any_of(global_, [](const auto& line) { return line.begins({"chroot"}); });
  }

  // One whose backends are all of `mode weights` needs none.
  bool has_listen() const {
    return request_.agent != nullptr && !request_.agent->listen.text.empty();
  }
  bool has_feedback() const { return request_.agent != nullptr && request_.agent->feedback; }

  std::string listen() const {
    if (has_listen()) return request_.agent->listen.text;
    return has_chroot() ? "127.0.0.1:9876" : "unix:/run/leastwise/spoa.sock";
  }

  std::string feedback() const {
    return has_feedback() ? request_.agent->feedback->text : "127.0.0.1:9877";
  }

  std::string runtime_socket() const {
    if (request_.agent != nullptr && request_.agent->haproxy_socket) {
      return request_.agent->haproxy_socket->text;
    }
    for (const HaproxyLine& line : global_) {
      if (line.begins({"stats", "socket"})) return std::string(line.word(2));
    }
    return "/run/haproxy/admin.sock";
  }

  std::string agent_backend() const {
    std::string address = listen();
    if (address.starts_with("unix:")) {
      address.replace(0, 5, "unix@");
    }
    std::string text = kAgentBackend;
    text.replace(text.find("AGENT"), 5, address);
    text.replace(text.find("MODE"), 4, request_.version.has_mode_spop() ? "    mode spop\n" : "");
    if (has_chroot() && address.starts_with("unix@")) {
      text +=
          "    # note: HAProxy looks for that path within its chroot; with \"listen "
          "127.0.0.1:9876;\" in " +
          request_.agent_file + " there is no such trouble\n";
    }
    return text;
  }

  std::string spoe_file() const {
    if (engines_.empty()) return {};
    const std::string head = "\n#### " + request_.spoe_file;
    if (known_engines_.empty()) return head + ": new\n" + spoe_config(engines_);
    return head + ": add\n" + spoe_engines(engines_);
  }

  // Of a backend what the agent's file lacks to pick for it.
  std::string backend_of_agent(const std::string& name) const {
    if (request_.agent == nullptr) return "backend " + name + " {}\n";
    const auto& backends = request_.agent->backends;
    const auto found = std::ranges::find(backends, name, &BackendConfig::name);
    if (found == backends.end()) return "backend " + name + " {}\n";
    if (found->mode != Mode::kWeights) return {};
    return "# in backend " + name + ", instead of: mode weights;\n    mode pick;\n";
  }

  std::string agent_file() const {
    std::string missing;
    if (!has_listen()) missing += "listen " + listen() + ";\n";
    if (!has_feedback()) missing += "feedback " + feedback() + ";\n";
    if (request_.agent == nullptr) {
      missing += "haproxy_socket " + runtime_socket() +
                 ";\nstatus 127.0.0.1:9878;\nstate /var/lib/leastwise/spoa.state;\n";
    }
    for (const HaproxySection* section : chosen_) missing += backend_of_agent(section->name);
    if (missing.empty()) return {};
    const bool is_new = request_.agent == nullptr;
    return "\n#### " + request_.agent_file + (is_new ? ": new\n" : ": add\n") + missing;
  }

  const std::vector<HaproxySection>& file_;
  const AdoptionRequest& request_;
  std::vector<HaproxyLine> global_;
  std::vector<const HaproxySection*> chosen_;
  const std::vector<std::string> known_engines_ = engines_in(request_.spoe_text);
  std::vector<SpoeEngine> engines_;
  bool has_http_ = false, has_tcp_ = false;
};

}  // namespace

std::string adoption(const std::vector<HaproxySection>& file, const AdoptionRequest& request) {
  return Adoption(file, request).text();
}

}  // namespace leastwise::agent
