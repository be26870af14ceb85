import { mergeApplicationConfig } from '@angular/core';
import { provideServerRendering } from '@angular/platform-server';
import { provideServerRouting, RenderMode } from '@angular/ssr';
import { config } from './app.config';

export const serverConfig = mergeApplicationConfig(config, {
  providers: [
    provideServerRendering(),
    provideServerRouting([{ path: '**', renderMode: RenderMode.Server }]),
  ],
});
