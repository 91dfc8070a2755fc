// The user's settings, as plugins read them.

import type { ISettingRegistry } from '@jupyterlab/settingregistry';

/**
 * Follow a setting.
 *
 * @param registry null where the page has no settings
 * @param changed called when the setting was read or changed
 * @returns what gives its value
 */
export function settingOf(
  registry: ISettingRegistry | null,
  plugin: string,
  name: string,
  otherwise: boolean,
  changed: () => void = () => undefined
): () => boolean {
  let value = otherwise;
  void registry?.load(plugin).then(
    settings => {
      const read = (): void => {
        const found = settings.get(name).composite;
        value = typeof found === 'boolean' ? found : otherwise;
        changed();
      };
      settings.changed.connect(read);
      read();
    },
    () => undefined // a page without this plugin's schema keeps the default
  );
  return () => value;
}
