#include "shared/directives.h"

namespace leastwise::nginx {
namespace {

constexpr std::uint32_t kZoneSeen = 1U << 31, kSlotsSeen = 1U << 30, kStateSeen = 1U << 29;

// True when this directive stands in the block for the first time.
bool note(const ngx_conf_t* cf, Upstream& upstream, std::uint32_t bit) noexcept {
  if (upstream.seen == 0) {
    upstream.first_name = words_of(cf)[0];
    upstream.first = here(cf);
  }
  if ((upstream.seen & bit) != 0) return false;
  upstream.seen |= bit;
  return true;
}

bool is_zone_name(std::string_view name) noexcept {
  const auto allowed = [](char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  };
  for (const char c : name) {
    if (!allowed(c)) return false;
  }
  // The names of default zones begin so.
  return !name.empty() && !name.starts_with("leastwise_");
}

// leastwise for the policy, leastwise_NAME for the others.
ngx_str_t command_name(const Directive& d, std::array<u_char, 48>& text) noexcept {
  if (d.field == Field(&Config::policy)) return to_ngx("leastwise");
  u_char* end =
      ngx_snprintf(text.data(), text.size(), "leastwise_%*s", d.name.size(), d.name.data());
  return {static_cast<std::size_t>(end - text.data()), text.data()};
}

}  // namespace

Place here(const ngx_conf_t* cf) noexcept {
  if (cf->conf_file == nullptr) return {to_ngx("the command line"), 0};
  return {cf->conf_file->file.name, cf->conf_file->line};
}

void Commands::add_directives(ngx_uint_t context, Setter setter, ngx_uint_t offset) noexcept {
  for (const Directive& d : directives()) {
    if (size_ + 1 >= kMost) return;
    const bool is_policy = d.field == Field(&Config::policy);
    const ngx_uint_t arguments = is_policy                    ? NGX_CONF_NOARGS | NGX_CONF_TAKE12
                                 : takes_several(d, "scrape") ? NGX_CONF_1MORE
                                                              : NGX_CONF_TAKE1;
    table_[size_] = {command_name(d, names_[size_]), context | arguments, setter, offset, 0,
                     // nginx hands it back to the setter, which only reads it.
                     const_cast<Directive*>(&d)};
    ++size_;
  }
}

void Commands::add(std::string_view name, ngx_uint_t type, Setter setter,
                   ngx_uint_t offset) noexcept {
  if (size_ + 1 >= kMost) return;
  table_[size_++] = {to_ngx(name), type, setter, offset, 0, nullptr};
}

char* set_value(ngx_conf_t* cf, const Directive& directive, Upstream& upstream) noexcept {
  const auto position = static_cast<std::uint32_t>(&directive - directives().data());
  if (!note(cf, upstream, 1U << position)) return conf_duplicate();
  if (directive.field == Field(&Config::policy)) upstream.enabled = true;
  if (directive.field == Field(&Config::key) || directive.field == Field(&Config::affinity)) {
    upstream.keyed = here(cf);
  }
  const ngx_str_t* words = words_of(cf);
  if (cf->args->nelts > 2 && directive.field == Field(&Config::policy)) {
    // "least_time header" is what users of NGINX Plus have.
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V\" takes one policy, and not \"%V\": which part of an answer counts is "
                       "said by \"leastwise_sample first_byte\" or \"leastwise_sample full\"",
                       &words[0], &words[2]);
    return conf_error();
  }
  if (cf->args->nelts > 2 && !takes_several(directive, view(words[1]))) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid number of arguments in \"%V\" directive",
                       &words[0]);
    return conf_error();
  }
  for (ngx_uint_t i = 1; i < cf->args->nelts; ++i) {
    if (const Status s = set(upstream.config, directive, view(words[i])); !s.ok()) {
      ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\": %s", &words[0], s.message());
      return conf_error();
    }
  }
  return NGX_CONF_OK;
}

bool note_slots(const ngx_conf_t* cf, Upstream& upstream) noexcept {
  return note(cf, upstream, kSlotsSeen);
}

bool note_state(const ngx_conf_t* cf, Upstream& upstream) noexcept {
  return note(cf, upstream, kStateSeen);
}

char* set_zone(ngx_conf_t* cf, Upstream& upstream, const Upstream* other) noexcept {
  if (!note(cf, upstream, kZoneSeen)) return conf_duplicate();
  const ngx_str_t* words = words_of(cf);
  if (!is_zone_name(view(words[1]))) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V\": invalid zone name \"%V\": expected letters, digits, \"_\", \"-\" "
                       "and \".\", not beginning with \"leastwise_\"",
                       &words[0], &words[1]);
    return conf_error();
  }
  if (other != nullptr) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V\": zone \"%V\" is that of upstream \"%V\": expected another name",
                       &words[0], &words[1], &other->name);
    return conf_error();
  }
  ngx_str_t text = words[2];
  const ssize_t size = ngx_parse_size(&text);
  if (size <= 0) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V\": invalid zone size \"%V\": expected bytes, or a number with k or m",
                       &words[0], &words[2]);
    return conf_error();
  }
  upstream.zone_name = words[1];
  upstream.zone_size = static_cast<std::size_t>(size);
  upstream.zone_place = here(cf);
  return NGX_CONF_OK;
}

// A method that stands behind `leastwise` takes its place; nginx warns, but of what it does not
// say.
void tell_if_replaced(ngx_conf_t* cf, const Upstream& upstream, const ngx_str_t& name) noexcept {
  if (upstream.zone != nullptr) return;  // it has one as soon as nginx has let us begin
  ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                "\"leastwise\" is off in upstream \"%V\" in %V:%ui, since another method stands "
                "behind it: take one of the two out",
                &name, &upstream.first.file, upstream.first.line);
}

bool is_refused(ngx_conf_t* cf, const Upstream& upstream, const ngx_str_t& name,
                const char* why) noexcept {
  ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                "\"leastwise_observe on\" leaves the choice to another method, and %s: take one of "
                "the two out of upstream \"%V\" in %V:%ui",
                why, &name, &upstream.first.file, upstream.first.line);
  return false;
}

// Of a block that has the directive: with `off` it stands there to be switched on.
bool fits_observe(ngx_conf_t* cf, const Upstream& upstream, const ngx_str_t& name) noexcept {
  if (!upstream.config.observe) return true;
  if (upstream.enabled) {
    return is_refused(cf, upstream, name, "\"leastwise\" is a method");
  }
  if (upstream.config.switchback) {
    return is_refused(cf, upstream, name,
                      "\"leastwise_switchback\" lets least_conn choose at times");
  }
  return true;
}

bool has_observe(const Upstream& upstream) noexcept {
  const auto place = find_directive("observe") - directives().data();
  return (upstream.seen & (1U << place)) != 0;
}

bool has_effect(ngx_conf_t* cf, const Upstream& upstream, const ngx_str_t& name) noexcept {
  const Vain vain = set_in_vain(upstream.config);
  if (vain.name.empty()) return true;
  ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                "\"leastwise_%*s\" has no effect, since %*s: take it out or change the policy or "
                "\"leastwise_affinity\" of upstream \"%V\" in %V:%ui",
                vain.name.size(), vain.name.data(), vain.mend.size(), vain.mend.data(), &name,
                &upstream.keyed.file, upstream.keyed.line);
  return false;
}

bool is_used(ngx_conf_t* cf, const Upstream& upstream, const ngx_str_t& name) noexcept {
  if (upstream.enabled && !upstream.config.observe) tell_if_replaced(cf, upstream, name);
  if (has_observe(upstream)) {
    return fits_observe(cf, upstream, name) && has_effect(cf, upstream, name);
  }
  if (upstream.seen == 0 || upstream.enabled) return has_effect(cf, upstream, name);
  ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                "\"%V\" needs \"leastwise\" in upstream \"%V\" in %V:%ui", &upstream.first_name,
                &name, &upstream.first.file, upstream.first.line);
  return false;
}

}  // namespace leastwise::nginx
