#include "haproxy/adoption.h"

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <utility>

#include "haproxy/adopted.h"
#include "haproxy/adoption_agent.h"
#include "haproxy/adoption_frontend.h"
#include "haproxy/adoption_models.h"
#include "haproxy/adoption_weights.h"
#include "haproxy/persistence.h"
#include "haproxy/spoe_config.h"

namespace leastwise::agent {
namespace {

using Lines = std::vector<std::string>;

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
    if (is_any(Mode::kPick) && !has("backend", "leastwise_agent")) {
      own += agent_backend(place(), request_.version);
    }
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

  // What the agent's file has of a backend; nullptr if it has none.
  const BackendConfig* known(std::string_view name) const {
    if (request_.agent == nullptr) return nullptr;
    const auto& backends = request_.agent->backends;
    const auto found = std::ranges::find(backends, name, &BackendConfig::name);
    return found == backends.end() ? nullptr : &*found;
  }

  Mode mode_of(std::string_view name) const {
    const BackendConfig* backend = known(name);
    return request_.mode.value_or(backend == nullptr ? Mode::kPick : backend->mode);
  }
  bool is_chosen(std::string_view name, Mode mode) const {
    return mode_of(name) == mode &&
           std::ranges::any_of(chosen_, [&](const HaproxySection* s) { return s->name == name; });
  }
  bool is_picked(std::string_view name) const { return is_chosen(name, Mode::kPick); }
  bool is_any(Mode mode) const {
    return std::ranges::any_of(chosen_,
                               [&](const HaproxySection* s) { return mode_of(s->name) == mode; });
  }

  bool is_models(const HaproxySection& section) const {
    return section.is_http() && is_picked(section.name) &&
           is_of_models(request_.agent, section.name);
  }
  bool has_models() const {
    return std::ranges::any_of(chosen_, [&](const auto* s) { return is_models(*s); });
  }

  bool leads_to_picked(const HaproxySection& section) const {
    return leads_to(section, [&](std::string_view name) { return is_picked(name); });
  }
  bool leads_to_models(const HaproxySection& section) const {
    return has_models() && leads_to(section, [&](std::string_view name) {
             return is_picked(name) && is_of_models(request_.agent, name);
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
      const bool leads = leads_to_picked(section);
      const bool balances = section.balances() && is_picked(section.name);
      const bool is_steered = section.balances() && is_chosen(section.name, Mode::kWeights);
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
      if (is_steered) std::ranges::move(weights_notes(section), std::back_inserter(lines));
      if (lines.empty()) {
        if (is_steered) {
          out += "# " + section.kind + ' ' + section.name + ": needs no line in mode weights\n";
        }
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
    const bool tells_weights =
        is_any(Mode::kWeights) && (request_.agent == nullptr || !request_.agent->agent_check);
    std::string lines;
    for (const std::string& line : socket_lines(stats_socket(), tells_weights)) {
      lines += "    " + line + '\n';
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
    const BackendConfig* backend = known(name);
    return backend != nullptr && backend->settings.report.is_on();
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

  // Who has the backend for it already has seen to where that is.
  MeetingPlace place() const {
    const std::string said = request_.agent == nullptr ? "" : request_.agent->listen.text;
    if (!said.empty() && has("backend", "leastwise_agent")) return {said, {}};
    return meeting_place(said, global_);
  }
  bool has_feedback() const { return request_.agent != nullptr && request_.agent->feedback; }

  std::string feedback() const {
    return has_feedback() ? request_.agent->feedback->text : "127.0.0.1:9877";
  }

  StatsSocket stats_socket() const {
    std::string wanted;
    if (request_.agent != nullptr && request_.agent->haproxy_socket) {
      wanted = request_.agent->haproxy_socket->text;
    }
    StatsSocket found = agent::stats_socket(global_, wanted);
    if (found.address.empty()) found.address = "/run/haproxy/admin.sock";
    return found;
  }

  // One whose backends are all of `mode weights` has none.
  std::string missing_listen() const {
    const std::string said = request_.agent == nullptr ? "" : request_.agent->listen.text;
    const std::string wanted = place().listen;
    if (said == wanted) return {};
    const std::string old = said.empty() ? "" : "# instead of: listen " + said + ";\n";
    return old + "listen " + wanted + ";\n";
  }

  std::string spoe_file() const {
    if (engines_.empty()) return {};
    const std::string head = "\n#### " + request_.spoe_file;
    if (known_engines_.empty()) return head + ": new\n" + spoe_config(engines_);
    return head + ": add\n" + spoe_engines(engines_);
  }

  // Of a backend what the agent's file lacks.
  std::string backend_of_agent(const std::string& name) const {
    const bool is_picked = mode_of(name) == Mode::kPick;
    const BackendConfig* backend = known(name);
    if (backend == nullptr) {
      return "backend " + name + (is_picked ? " {}\n" : " { mode weights; }\n");
    }
    if (backend->mode == mode_of(name)) return {};
    return "# in backend " + name + ", instead of any other mode:\n    mode " +
           (is_picked ? "pick;\n" : "weights;\n");
  }

  std::string agent_file() const {
    const bool is_new = request_.agent == nullptr;
    std::string missing;
    if (is_any(Mode::kPick)) missing += missing_listen();
    if (is_any(Mode::kPick) && !has_feedback()) missing += "feedback " + feedback() + ";\n";
    if (is_new || (is_any(Mode::kWeights) && !request_.agent->haproxy_socket)) {
      missing += "haproxy_socket " + stats_socket().address + ";\n";
    }
    if (is_new) missing += "status 127.0.0.1:9878;\nstate /var/lib/leastwise/spoa.state;\n";
    for (const HaproxySection* section : chosen_) missing += backend_of_agent(section->name);
    if (missing.empty()) return {};
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
